import { useEffect } from "react";
import { useText } from "./text/index.ts";

/** Names the page in the browser's tab and history. */
export function useTitle(title: string): void {
  const { t } = useText();
  useEffect(() => {
    document.title = `${title} · ${t.product}`;
  }, [title, t.product]);
}
