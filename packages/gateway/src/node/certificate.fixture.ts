/** A certificate for localhost, for tests only: its key is public. Valid until the year 2125. */
export const testCertificate: { cert: string; key: string } = {
  cert: `-----BEGIN CERTIFICATE-----
MIIBnDCCAUGgAwIBAgIUbplTmcklQypZ5g3aP+giHUupzU0wCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMzIzNTcyNloYDzIxMjYxMDMw
MjM1NzI2WjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASdQgbKZiZ+vg1+zNycuK8SXWRrmeFyXuB22rmQRU+ZQEkcuA2vm3Z9
Q4VbzHtvhBm/PaA8BiqiBvnjvkdpRzs2o28wbTAdBgNVHQ4EFgQUYJ/HYJ+/dIx/
Lg/mk7icdWlOOGUwHwYDVR0jBBgwFoAUYJ/HYJ+/dIx/Lg/mk7icdWlOOGUwDwYD
VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI
zj0EAwIDSQAwRgIhAKBeNrBagjAFaG1E0+LYY0q7HAD8wh8IxaFRkghG92mfAiEA
xsNX+A7WA7wF+wU28gQby0qDcbwL0x2ZH54yExN5FK0=
-----END CERTIFICATE-----
`,
  key: `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgVy1962JYvzLIFLsa
ebu/ggGgi12d5rRbyE0Eb08t8luhRANCAASdQgbKZiZ+vg1+zNycuK8SXWRrmeFy
XuB22rmQRU+ZQEkcuA2vm3Z9Q4VbzHtvhBm/PaA8BiqiBvnjvkdpRzs2
-----END PRIVATE KEY-----
`,
};
