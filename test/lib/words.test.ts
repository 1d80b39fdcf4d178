import { expect, test } from "vitest";
import { outcomeOfWord, plainWord } from "../../src/lib/words.ts";

test.each(["no-answer", "no_answer", "No Answer", "NO-ANSWER", "noAnswer", " No__Answer ", "no.answer"])(
  "%j is no-answer",
  (text) => {
    expect(plainWord(text)).toBe("no-answer");
    expect(outcomeOfWord(text)).toBe("no-answer");
  },
);

test.each([
  ["Canceled", "cancelled"],
  ["CANCELLED", "cancelled"],
  ["declined", "rejected"],
  ["user_busy", "busy"],
  ["machine_detected", "voicemail"],
  ["machine_end_beep", "voicemail"],
  ["voicemail_detected", "voicemail"],
  ["answered-elsewhere", "completed"],
  ["abandon", "abandoned"],
  ["unanswered", "no-answer"],
  ["unreachable", "failed"],
])("%j means %s", (word, outcome) => {
  expect(outcomeOfWord(word)).toBe(outcome);
});

test.each(["ended", "free", "parked-too-long", "hangup", "", "-", "constructor", "__proto__", undefined])(
  "%j has no clear sense",
  (word) => {
    expect(outcomeOfWord(word)).toBeUndefined();
  },
);
