import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError, whenUnauthorized } from "./api";
import { App } from "./app/app";
import { signInFromAddress, signOut } from "./app/session";
import { applyTheme } from "./app/theme";
import "./kit/tokens.css";
import "./kit/base.css";
import "./kit/parts.css";
import "./app/app.css";

applyTheme();
signInFromAddress();
whenUnauthorized(() =>
  signOut("The server no longer accepts this token. It may have expired or been revoked."),
);

const queries = new QueryClient({
  defaultOptions: {
    queries: {
      // A refusal stays a refusal; only silence and trouble on the server are worth asking again.
      retry: (failures, error) =>
        failures < 3 && !(error instanceof ApiError && error.status >= 400 && error.status < 500),
      staleTime: 5_000,
      refetchOnWindowFocus: false,
    },
  },
});

const place = document.getElementById("console");
if (!place) throw new Error("index.html has no element `console`");
createRoot(place).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <App />
    </QueryClientProvider>
  </StrictMode>,
);
