import { Suspense, useRef } from 'react';
import { IconButton } from '../ui/icon-button.tsx';
import { PopoverPopup } from '../ui/lazy-overlays.tsx';

/** What most people reach for, each with its name for those who do not see it. */
const EMOJI: readonly (readonly [emoji: string, name: string])[] = [
  ['👍', 'thumbs up'],
  ['❤️', 'heart'],
  ['😂', 'tears of joy'],
  ['🎉', 'party'],
  ['👀', 'eyes'],
  ['🙏', 'thank you'],
  ['🔥', 'fire'],
  ['✅', 'done'],
  ['😄', 'smile'],
  ['😊', 'blush'],
  ['😍', 'in love'],
  ['🤔', 'thinking'],
  ['😮', 'surprised'],
  ['😢', 'crying'],
  ['😅', 'relieved'],
  ['😎', 'cool'],
  ['👏', 'applause'],
  ['🙌', 'raised hands'],
  ['💪', 'strong'],
  ['🤝', 'handshake'],
  ['👋', 'wave'],
  ['👎', 'thumbs down'],
  ['🤷', 'shrug'],
  ['💯', 'hundred'],
  ['⭐', 'star'],
  ['🚀', 'rocket'],
  ['💡', 'idea'],
  ['🐛', 'bug'],
  ['⚠️', 'warning'],
  ['❌', 'no'],
  ['☕', 'coffee'],
  ['🌊', 'wave of water'],
];

interface EmojiPickerProps {
  label: string;
  open: boolean;
  onOpenChange: (open: boolean) => void;
  onPick: (emoji: string) => void;
}

export function EmojiPicker({ label, open, onOpenChange, onPick }: EmojiPickerProps) {
  const anchor = useRef<HTMLButtonElement>(null);
  return (
    <>
      <IconButton
        ref={anchor}
        icon="smile"
        label={label}
        aria-haspopup="dialog"
        aria-expanded={open}
        onClick={() => onOpenChange(!open)}
      />
      {open && (
        <Suspense>
          <PopoverPopup open anchor={anchor} label="Emoji" onOpenChange={onOpenChange}>
            <div className="emoji-grid">
              {EMOJI.map(([emoji, name]) => (
                <button
                  key={emoji}
                  type="button"
                  aria-label={name}
                  onClick={() => {
                    onOpenChange(false);
                    onPick(emoji);
                  }}
                >
                  {emoji}
                </button>
              ))}
            </div>
          </PopoverPopup>
        </Suspense>
      )}
    </>
  );
}
