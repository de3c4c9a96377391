/**
 * The fields of a user that can be written, as reads show them before that.
 */

/** What reads show of an empty profile (documented). */
export const EMPTY_PROFILE = {
  FirstName: null,
  LastName: null,
  Nickname: null,
  Phone: null,
  Email: null,
  Gender: 'None',
  Birthday: null,
  MaritalStatus: null,
  ChildrenCount: null,
  Country: null,
  District: null,
  City: null,
  Address: null,
  ExternalImageUrl: null,
};

/** What reads show of empty UserFields, as in the vendor's own samples. */
export const FRESH_FIELDS = {
  ClientId: null,
  EnableTracking: true,
  EnableLogging: false,
  EnableRealTimeLocation: false,
  Enabled: true,
};
