import { useQuery, useQueryClient } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { createContext, useContext, useEffect, useSyncExternalStore } from "react";
import { type Me, readMe } from "../api";
import { AnnouncerProvider } from "../kit/announcer";
import { Failed, Loading } from "../kit/states";
import { follow } from "./live";
import { router } from "./router";
import { signInFromAddress, subscribe, token } from "./session";
import { SignIn } from "./sign-in";

const MeContext = createContext<Me | null>(null);

/** Who is signed in. Only below `App`. */
export function useMe(): Me {
  const me = useContext(MeContext);
  if (!me) throw new Error("`useMe` outside a session");
  return me;
}

export function App() {
  const secret = useSyncExternalStore(subscribe, token);
  useLoginLinks();
  return <AnnouncerProvider>{secret ? <Session key={secret} /> : <SignIn />}</AnnouncerProvider>;
}

function Session() {
  const queries = useQueryClient();
  const me = useQuery({ queryKey: ["me"], queryFn: readMe, staleTime: Number.POSITIVE_INFINITY });
  // Another token is another person: nothing read before is theirs.
  useEffect(() => () => queries.clear(), [queries]);
  const isKnown = me.data !== undefined;
  useEffect(() => (isKnown ? follow() : undefined), [isKnown]);
  if (me.data) {
    return (
      <MeContext.Provider value={me.data}>
        <RouterProvider router={router} />
      </MeContext.Provider>
    );
  }
  if (me.error) {
    return (
      <main className="alone">
        <Failed what="The console" why={me.error.message} retry={() => me.refetch()} />
      </main>
    );
  }
  return (
    <main className="alone">
      <Loading what="Signing in" />
    </main>
  );
}

/** A login link opened in a tab where the console already runs changes only the fragment. */
function useLoginLinks(): void {
  useEffect(() => {
    const take = () => signInFromAddress();
    addEventListener("hashchange", take);
    return () => removeEventListener("hashchange", take);
  }, []);
}
