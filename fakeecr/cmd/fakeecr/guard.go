package main

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// guard keeps the program's own requests from those who have no business with them:
// pages of other sites that a browser on this machine shows, and, where others can
// reach the program, those who have not got its token. Their doing changes the
// world.
type guard struct {
	// hosts are names of this program besides those of the loopback.
	hosts []string
	token string
	// exposed tells that other machines can reach the program.
	exposed bool
	origins http.CrossOriginProtection
	// salt is the cookie's.
	salt []byte
}

func newGuard(hosts []string, token string) guard {
	salt := make([]byte, 32)
	rand.Read(salt)
	return guard{hosts: hosts, token: token, salt: salt}
}

// hostName reads a name of the program.
func hostName(s string) (string, error) {
	if ip, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		return ip.String(), nil
	}
	if s == "" || strings.ContainsAny(s, ":/@ ") {
		return "", errors.New("a host is a name or an address, without a port")
	}
	return strings.ToLower(s), nil
}

// says is what an exposed program says of the requests that the guard keeps.
func (g *guard) says() string {
	if g.isShut() {
		return "without -token it refuses all requests below " + prefix
	}
	return "requests below " + prefix + " need the token"
}

// isShut tells that the guard lets nobody through.
func (g *guard) isShut() bool { return g.exposed && g.token == "" }

// isExposed tells whether other machines can reach an address.
func isExposed(addr net.Addr) bool {
	tcp, ok := addr.(*net.TCPAddr)
	return ok && !tcp.IP.IsLoopback()
}

// serve lets a request through to what follows, or refuses it.
func (g *guard) serve(w http.ResponseWriter, req *http.Request, next http.Handler) {
	for name, value := range map[string]string{
		"Cache-Control":                "no-store",
		"Content-Security-Policy":      "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		"Cross-Origin-Resource-Policy": "same-origin",
		"Referrer-Policy":              "same-origin",
		"X-Content-Type-Options":       "nosniff",
	} {
		w.Header().Set(name, value)
	}
	switch {
	case !g.isOurs(req):
		http.Error(w, fmt.Sprintf("%s is no name of this program; -host makes it one", strconv.Quote(req.Host)), http.StatusForbidden)
	case g.isForeign(req):
		http.Error(w, "a page of another origin sends no request here", http.StatusForbidden)
	case g.isShut():
		http.Error(w, "other machines can reach this program: its own requests need -token", http.StatusForbidden)
	case g.token == "", isStatic(req), g.isKnown(req) && !(req.Method == http.MethodGet && req.URL.Query().Has("token")):
		next.ServeHTTP(w, req)
	default:
		g.logIn(w, req)
	}
}

// isOurs tells whether a request was sent to a name of this program. A page of
// another site can have its own name lead here, and then is of one origin with it.
func (g *guard) isOurs(req *http.Request) bool {
	name := req.Host
	if host, _, err := net.SplitHostPort(name); err == nil {
		name = host
	}
	name = strings.ToLower(name)
	if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		local, _ := req.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
		return ip.IsLoopback() || slices.Contains(g.hosts, ip.String()) || local != nil && local.AddrPort().Addr().Unmap() == ip.Unmap()
	}
	return name == "localhost" || slices.Contains(g.hosts, name)
}

// isStatic tells whether a request reads what the page that asks for the token is
// made of. It is the same for all and tells nothing.
func isStatic(req *http.Request) bool {
	return req.Method == http.MethodGet && (req.URL.Path == prefix+"style.css" || req.URL.Path == prefix+"page.js")
}

// isForeign tells whether a browser sends a request for a page of another origin. It
// may lead its user here, by a link. Programs say nothing of origins.
func (g *guard) isForeign(req *http.Request) bool {
	if req.Method == http.MethodGet && req.Header.Get("Sec-Fetch-Mode") == "navigate" {
		return false
	}
	checked := *req
	checked.Method = http.MethodPost // what only reads is none of their business either
	return g.origins.Check(&checked) != nil
}

// cookie is the name of what proves that a browser was told the token. Cookies know no
// ports, so each program of a machine has a name of its own.
func (g *guard) cookie() string { return "fakeecr-" + hex.EncodeToString(g.salt[:4]) }

// isKnown tells whether a request proves that it knows the token.
func (g *guard) isKnown(req *http.Request) bool {
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	if strings.EqualFold(scheme, "Bearer") && g.isToken(token) {
		return true
	}
	told, err := req.Cookie(g.cookie())
	return err == nil && equal(told.Value, g.proof())
}

func (g *guard) isToken(token string) bool { return equal(token, g.token) }

func equal(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }

// proof is the value of the cookie: whoever reads it does not have the token.
func (g *guard) proof() string {
	proof := hmac.New(sha256.New, g.salt)
	proof.Write([]byte(g.token))
	return hex.EncodeToString(proof.Sum(nil))
}

// logIn takes the token from the URL or from the form that asks for it, and leaves a
// cookie. It answers a page that leads on, because a cookie that is for this site
// alone does not go with a redirection of a link from another.
func (g *guard) logIn(w http.ResponseWriter, req *http.Request) {
	to := *req.URL
	given := ""
	switch {
	case req.Method == http.MethodGet:
		given = to.Query().Get("token")
	case req.Method == http.MethodPost && to.Path == prefix+"login":
		req.Body = http.MaxBytesReader(w, req.Body, 4<<10)
		given, to.Path = req.PostFormValue("token"), prefix
	}
	if !g.isToken(given) {
		w.Header().Set("WWW-Authenticate", "Bearer")
		if !strings.Contains(req.Header.Get("Accept"), "text/html") {
			http.Error(w, "the program's own requests need its token: Authorization: Bearer TOKEN", http.StatusUnauthorized)
			return
		}
		render(w, http.StatusUnauthorized, "login", given != "")
		return
	}
	w.Header().Set("Referrer-Policy", "no-referrer") // the URL may have the token
	http.SetCookie(w, &http.Cookie{Name: g.cookie(), Value: g.proof(), Path: prefix, HttpOnly: true, Secure: req.TLS != nil, SameSite: http.SameSiteStrictMode})
	query := to.Query()
	query.Del("token")
	to.RawQuery = query.Encode()
	render(w, http.StatusOK, "logged in", to.RequestURI())
}
