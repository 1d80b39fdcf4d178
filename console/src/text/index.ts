import { createContext, createElement, type ReactNode, useContext, useEffect, useState } from "react";
import { type Dictionary, en } from "./en.ts";
import { nl } from "./nl.ts";

export const languages = { en: "English", nl: "Nederlands" } as const;
export type Language = keyof typeof languages;

const dictionaries: Record<Language, Dictionary> = { en, nl };
const stored = "switchhook.language";

type TextContext = { language: Language; t: Dictionary; choose: (language: Language) => void };

const Context = createContext<TextContext>({ language: "en", t: en, choose: () => {} });

/** The texts of the page in the reader's language: the one that was chosen here, else the browser's. */
export function TextProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(firstLanguage);
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  const choose = (next: Language) => {
    localStorage.setItem(stored, next);
    setLanguage(next);
  };
  return createElement(
    Context.Provider,
    { value: { language, t: dictionaries[language], choose } },
    children,
  );
}

export function useText(): TextContext {
  return useContext(Context);
}

function firstLanguage(): Language {
  const wanted = [localStorage.getItem(stored), ...navigator.languages];
  for (const tag of wanted) {
    const [name] = (tag ?? "").split("-");
    if (name === "en" || name === "nl") return name;
  }
  return "en";
}
