import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { Router } from "wouter";
import { ApiError, base } from "./api.ts";
import { Shell } from "./shell.tsx";
import "./style.css";
import { TextProvider } from "./text/index.ts";

const client = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      // Only a server that does not answer may do so the next time.
      retry: (failures, error) => failures < 3 && error instanceof ApiError && error.status === 0,
    },
  },
});

const root = document.getElementById("root");
if (root)
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <TextProvider>
          <Router base={base.replace(/\/$/, "")}>
            <Shell />
          </Router>
        </TextProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
