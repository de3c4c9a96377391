/**
 * Shows an id to a person: in quotes, so that blanks at its ends show, and with escapes for invisible characters.
 */

/** Enough characters to show the fault. */
const MOST = 100;
/** Control and zero-width characters, and all blanks except the common one. */
const UNSEEN = /(?! )[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}]/gu;
/** The same and combining marks, which may join the letter before them. */
const UNSEEN_OR_MARK = /(?! )[\p{C}\p{M}\p{Z}\p{Default_Ignorable_Code_Point}]/gu;

export function quotedId(id: string): string {
  const [shown, more] = id.length > MOST ? [id.slice(0, MOST), '…'] : [id, ''];
  return `${JSON.stringify(shown).replace(isComposed(id) ? UNSEEN : UNSEEN_OR_MARK, escaped)}${more}`;
}

/** Whether an id looks like another one without quotes. */
export function needsQuotes(id: string): boolean {
  return id.trim() !== id || id.search(UNSEEN) !== -1 || !isComposed(id);
}

function isComposed(id: string): boolean {
  return id === id.normalize('NFC');
}

function escaped(character: string): string {
  return Array.from({ length: character.length }, (_, at) => {
    const code = character.charCodeAt(at).toString(16);
    return `\\u${code.padStart(4, '0')}`;
  }).join('');
}
