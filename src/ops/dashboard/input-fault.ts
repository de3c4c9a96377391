/**
 * What a visitor has sent is wrong: the query of an address, or a form.
 */
export class InputFault extends Error {
  override readonly name = 'InputFault';
  /** Each a sentence. */
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super('the input has faults');
    this.faults = faults;
  }
}
