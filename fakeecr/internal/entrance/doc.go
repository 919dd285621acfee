// Package entrance is what comes in over HTTP: whose request it is, and which endpoint
// answers it.
//
// # What to know
//
//   - [Entrance] is an http.Handler that leads requests to a stage. [Transport] leads
//     an HTTP client there without a socket.
//   - An [exchange.Request] is a request and whose it is, an [exchange.Answer] what it
//     is answered with. All answers are written in package exchange, whole or as a
//     rule wants them.
//   - Below are the endpoints: api (AWS JSON at POST /), oci (the registry endpoint
//     at /v2/), store (downloads by URL), sts (the query protocol of STS), and direct,
//     where no request comes in but a call of a Go method.
//   - A [Proxy] is a listener's handler besides, for clients that have only ECR's names.
//   - [Authority] signs the certificates of the world's servers, and of tunnels.
//
// # How a request goes
//
// Its path says which endpoint answers (Entrance.answer). Whose it is: the registry that
// the host names, else that of the signature's scope, else the default (routes.go);
// the principal is that of the access key or, at the registry endpoint, of the token.
// A signature is checked where a test gave credentials (sigv4.go), once the body was
// read. The endpoint decodes the request into an input of the SDK and has the stage carry
// it out; /v2/ is a client of the same operations and never touches the state. What
// comes back, an output or an error, the endpoint writes in its own words, and exchange
// sends it. No answer at all ends the connection.
//
// # Words
//
//   - origin: scheme, host and port that a request came to, which URLs of the answer
//     begin with
//   - downloads: what download URLs begin with
//   - foreign: a request that is not for ECR; of STS and ECR Public some are answered
//     (stage.Identity), all others are refused in words that their client reads
//   - tunnel: a connection that a [Proxy] was asked for with CONNECT, to port 443 of a
//     host that the fake stands in for; the listener's server serves it as its own
//   - scope: the region, date and service that a signature is for
package entrance
