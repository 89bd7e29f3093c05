/** A login. An identity token is what `docker login` leaves for registries with OAuth2: it is exchanged for access tokens. */
export type Credentials =
  | { readonly kind: 'password'; readonly username: string; readonly password: string }
  | { readonly kind: 'identityToken'; readonly token: string };
