package entrance

import (
	"net/http"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance/exchange"
)

// Pages of any origin may use ECR and download layers: the SDK for JavaScript
// runs in browsers too, which ask before they send what a form could not. They may
// read as well that nothing is served at a path.

// isPreflight tells whether a browser asks what a page may send.
func isPreflight(req *http.Request) bool {
	return req.Method == http.MethodOptions && req.Header.Get("Origin") != "" && req.Header.Get("Access-Control-Request-Method") != ""
}

// preflight allows the headers that the page wants to send, by name: a * would not
// stand for Authorization.
func preflight(req *http.Request) *exchange.Answer {
	answer := exchange.New(http.StatusOK, "text/plain", nil)
	answer.Header.Set("Access-Control-Allow-Origin", "*")
	answer.Header.Set("Access-Control-Allow-Methods", "GET, HEAD, POST")
	answer.Header.Set("Access-Control-Max-Age", "172800")
	if wanted := req.Header.Values("Access-Control-Request-Headers"); wanted != nil {
		answer.Header.SetAll("Access-Control-Allow-Headers", wanted)
	}
	return answer
}

// share lets a page read an answer.
func share(answer *exchange.Answer, req *http.Request) {
	if req.Header.Get("Origin") == "" {
		return
	}
	answer.Header.Set("Access-Control-Allow-Origin", "*")
	answer.Header.Set("Access-Control-Expose-Headers", "Accept-Ranges, Content-Range, Date, ETag, X-Amz-Request-Id, X-Amzn-Requestid")
}
