/** `:name:`, for emoji of one's own */
const NAMED = /^:[A-Za-z0-9_+-]{1,62}:$/;
/** One emoji, as keyboards send it (UTS #51: emoji recommended for general interchange): flags, keycaps, skin tones, ZWJ sequences. */
const RECOMMENDED = new RegExp('^\\p{RGI_Emoji}$', 'v');
/** VARIATION SELECTOR-16: asks for the coloured form of a character that is also text */
const AS_EMOJI = '\ufe0f';
/** the longest recommended one has 10 code points; what is longer is none, and not worth a look */
const EMOJI_CODE_UNITS_MAX = 64;

/**
 * The one spelling of an emoji, or undefined when it is none. `❤` without its selector is `❤️`: else the same heart from two
 * keyboards would be two reactions.
 */
export function emojiOf(text: string): string | undefined {
  if (text.length > EMOJI_CODE_UNITS_MAX) return undefined;
  if (NAMED.test(text) || RECOMMENDED.test(text)) return text;
  const asEmoji = text + AS_EMOJI;
  return RECOMMENDED.test(asEmoji) ? asEmoji : undefined;
}
