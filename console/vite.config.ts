import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The server puts the base and the nonce into the page, so all links are relative. */
export default defineConfig({
  root: import.meta.dirname,
  base: "./",
  plugins: [react()],
  build: {
    outDir: "dist",
    emptyOutDir: true,
    manifest: true,
    modulePreload: { polyfill: false },
    // A font or picture inside a style sheet would need `data:` in the content security policy.
    assetsInlineLimit: 0,
  },
});
