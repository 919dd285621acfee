package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// startAt is start for a program that other machines can reach; it answers the
// address by the loopback, and what the program logs.
func startAt(t *testing.T, args ...string) (address, log string) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	output, stdout := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, args, stdout, &stderr)
		stdout.Close()
	}()
	t.Cleanup(func() { cancel(); <-ended })
	line, err := bufio.NewReader(output).ReadString('\n')
	require.NoError(t, err)
	_, port, err := net.SplitHostPort(strings.TrimPrefix(strings.TrimSpace(line), "fakeecr listening on http://"))
	require.NoError(t, err)
	return "127.0.0.1:" + port, stderr.String() // it was written before the line
}

// send sends a request with headers and answers the response with its body read.
func send(t *testing.T, client *http.Client, method, url, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
		if headers[i] == "Host" {
			req.Host = headers[i+1]
		}
	}
	response, err := client.Do(req)
	require.NoError(t, err)
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response, string(text)
}

// TestForeignPages: a page of another site steers nothing and reads nothing; what is
// the program's own, or no browser's, does.
func TestForeignPages(t *testing.T) {
	base, _ := start(t, "-repository", "team/app", "-host", "ECR.test", "-host", "192.0.2.8")
	host := strings.TrimPrefix(base, "http://")
	_, port, _ := net.SplitHostPort(host)
	const formType = "application/x-www-form-urlencoded"
	for name, c := range map[string]struct {
		method, path, body string
		headers            []string
		status             int
	}{
		"curl":                        {"POST", "reset", "", nil, 204},
		"curl with data":              {"POST", "scenario", refusing, []string{"Content-Type", formType}, 201},
		"fetch of node":               {"POST", "scenario", refusing, []string{"Sec-Fetch-Mode", "cors"}, 201},
		"curl that reads":             {"GET", "trace", "", nil, 200},
		"by localhost":                {"POST", "reset", "", []string{"Host", "localhost:" + port}, 204},
		"by localhost without a port": {"POST", "reset", "", []string{"Host", "LOCALHOST"}, 204},
		"by IPv6":                     {"POST", "reset", "", []string{"Host", "[::1]:" + port}, 204},
		"by a name that was told":     {"POST", "reset", "", []string{"Host", "ecr.test:" + port}, 204},
		"by another name":             {"POST", "reset", "", []string{"Host", "evil.example:" + port}, 403},
		"read by another name":        {"GET", "trace", "", []string{"Host", "evil.example"}, 403},
		"page by another name":        {"GET", "", "", []string{"Host", "evil.example"}, 403},
		"by a name like a loopback":   {"POST", "reset", "", []string{"Host", "127.0.0.1.evil.example"}, 403},
		"by another address":          {"POST", "reset", "", []string{"Host", "192.0.2.7"}, 403},
		"by an address that was told": {"POST", "reset", "", []string{"Host", "192.0.2.8:4510"}, 204},
		"by an alias of the loopback": {"POST", "reset", "", []string{"Host", "127.0.0.2"}, 204},
		"by all addresses":            {"POST", "reset", "", []string{"Host", "0.0.0.0:" + port}, 403},
		"by all addresses of IPv6":    {"POST", "reset", "", []string{"Host", "[::]"}, 403},
		"by a short address":          {"POST", "reset", "", []string{"Host", "127.1"}, 403},
		"by a number":                 {"POST", "reset", "", []string{"Host", "2130706433"}, 403},
		"by localhost's full name":    {"POST", "reset", "", []string{"Host", "localhost."}, 403},
		"by a name below localhost":   {"POST", "reset", "", []string{"Host", "evil.localhost"}, 403},
		"by a name before a port":     {"POST", "reset", "", []string{"Host", "localhost:1:2"}, 403},
		"by a name that is forwarded": {"POST", "reset", "", []string{"Host", "evil.example", "X-Forwarded-Host", "localhost", "Forwarded", "host=localhost"}, 403},

		"own page":                       {"POST", "reset", "", []string{"Origin", base, "Sec-Fetch-Site", "same-origin"}, 204},
		"own form":                       {"POST", "", "do=advance&duration=1s", []string{"Origin", base, "Sec-Fetch-Site", "same-origin", "Content-Type", formType}, 303},
		"own form of an older browser":   {"POST", "", "do=advance&duration=1s", []string{"Origin", base, "Content-Type", formType}, 303},
		"own events":                     {"GET", "trace", "", []string{"Sec-Fetch-Site", "same-origin", "Sec-Fetch-Mode", "cors"}, 200},
		"typed address":                  {"GET", "", "", []string{"Sec-Fetch-Site", "none", "Sec-Fetch-Mode", "navigate"}, 200},
		"foreign link":                   {"GET", "", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate"}, 200},
		"foreign form":                   {"POST", "reset", "", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "navigate", "Content-Type", formType}, 403},
		"foreign form of the page":       {"POST", "", "do=reset", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site", "Content-Type", formType}, 403},
		"foreign form, plain text":       {"POST", "scenario", refusing, []string{"Origin", "https://evil.example", "Content-Type", "text/plain"}, 403},
		"foreign form of parts":          {"POST", "", "--b\r\nContent-Disposition: form-data; name=\"do\"\r\n\r\nreset\r\n--b--", []string{"Origin", "https://evil.example", "Content-Type", "multipart/form-data; boundary=b"}, 403},
		"own form of parts":              {"POST", "", "--b\r\nContent-Disposition: form-data; name=\"do\"\r\n\r\nreset\r\n--b--", []string{"Origin", base, "Content-Type", "multipart/form-data; boundary=b"}, 400},
		"foreign JSON":                   {"POST", "scenario", refusing, []string{"Origin", "https://evil.example", "Content-Type", "application/json"}, 403},
		"foreign page of the same host":  {"POST", "reset", "", []string{"Origin", "https://evil.example", "X-Forwarded-Host", "evil.example"}, 403},
		"foreign page in the method":     {"POST", "reset", "", []string{"Origin", "https://evil.example", "X-HTTP-Method-Override", "GET", "Sec-Fetch-Mode", "navigate"}, 403},
		"foreign form of a file":         {"POST", "reset", "", []string{"Origin", "null"}, 403},
		"page of another port":           {"POST", "reset", "", []string{"Origin", "http://127.0.0.1:1", "Sec-Fetch-Site", "same-site"}, 403},
		"page of another port, no site":  {"POST", "reset", "", []string{"Origin", "http://127.0.0.1:1"}, 403},
		"foreign script that stops":      {"DELETE", "scenario", "", []string{"Origin", "https://evil.example"}, 403},
		"foreign script that reads":      {"GET", "trace", "", []string{"Origin", "https://evil.example", "Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "cors"}, 403},
		"foreign image":                  {"GET", "trace", "", []string{"Sec-Fetch-Site", "cross-site", "Sec-Fetch-Mode", "no-cors"}, 403},
		"foreign preflight":              {"OPTIONS", "reset", "", []string{"Origin", "https://evil.example", "Access-Control-Request-Method", "POST"}, 403},
		"foreign page that names itself": {"POST", "reset", "", []string{"Host", "evil.example", "Origin", "http://evil.example", "Sec-Fetch-Site", "same-origin"}, 403},
	} {
		t.Run(name, func(t *testing.T) {
			client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
			response, body := send(t, client, c.method, base+prefix+c.path, c.body, c.headers...)
			require.Equal(t, c.status, response.StatusCode, body)
			require.Empty(t, response.Header.Get("Access-Control-Allow-Origin"))
			require.Equal(t, "no-store", response.Header.Get("Cache-Control"))
			require.Contains(t, response.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'")
		})
	}
	for target, status := range map[string]int{
		"http://evil.example" + prefix + "trace": 403, "http://" + host + prefix + "trace": 200,
		"http://localhost@evil.example" + prefix + "trace": 403,
	} {
		require.Equal(t, status, asked(t, host, target), "a whole URL as the target names the host: %s", target)
	}
	response, _ := send(t, http.DefaultClient, "OPTIONS", base, "", "Origin", "https://evil.example", "Access-Control-Request-Method", "POST")
	require.Equal(t, "*", response.Header.Get("Access-Control-Allow-Origin"), "the API is as open as ECR's")
}

// asked is the status of a request for a target as it stands, whose header names the
// program rightly.
func asked(t *testing.T, host, target string) int {
	t.Helper()
	connection, err := net.Dial("tcp", host)
	require.NoError(t, err)
	defer connection.Close()
	_, err = io.WriteString(connection, "GET "+target+" HTTP/1.1\r\nHost: "+host+"\r\nConnection: close\r\n\r\n")
	require.NoError(t, err)
	response, err := http.ReadResponse(bufio.NewReader(connection), nil)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	return response.StatusCode
}

// TestExposedWithoutToken: where other machines can reach it, the program serves the
// API alone until it has a token.
func TestExposedWithoutToken(t *testing.T) {
	address, log := startAt(t, "-addr", "0.0.0.0:0", "-repository", "team/app")
	require.Contains(t, log, "other machines can reach")
	require.Contains(t, log, "without -token it refuses all requests below /_fakeecr/")
	for _, path := range []string{"", "trace", "events", "style.css"} {
		response, body := send(t, http.DefaultClient, "GET", "http://"+address+prefix+path, "")
		require.Equal(t, http.StatusForbidden, response.StatusCode, path)
		require.Contains(t, body, "need -token", path)
	}
	_, err := client("http://"+address).DescribeRepositories(t.Context(), nil)
	require.NoError(t, err)
}

func TestLoopbackSaysNothing(t *testing.T) {
	_, log := startAt(t, "-addr", "localhost:0")
	require.Empty(t, log)
}

// TestToken: requests below the prefix need the token, in the header or, once it was
// given in the URL or in a form, by a cookie.
func TestToken(t *testing.T) {
	for _, listen := range []string{"127.0.0.1:0", "0.0.0.0:0"} {
		t.Run(listen, func(t *testing.T) {
			address, log := startAt(t, "-addr", listen, "-token", "open sesame", "-repository", "team/app")
			require.Equal(t, listen != "127.0.0.1:0", strings.Contains(log, "need the token"))
			require.NotContains(t, log, "sesame")
			page := "http://" + address + prefix

			response, body := send(t, http.DefaultClient, "POST", page+"reset", "")
			require.Equal(t, http.StatusUnauthorized, response.StatusCode)
			require.Equal(t, "Bearer", response.Header.Get("WWW-Authenticate"))
			require.Contains(t, body, "Authorization: Bearer TOKEN")
			for header, status := range map[string]int{
				"Bearer open sesame": 204, "bearer open sesame": 204,
				"Bearer open": 401, "Bearer ": 401, "Basic open sesame": 401, "open sesame": 401,
			} {
				response, _ = send(t, http.DefaultClient, "POST", page+"reset", "", "Authorization", header)
				require.Equal(t, status, response.StatusCode, header)
			}
			response, _ = send(t, http.DefaultClient, "POST", page+"reset", "", "Authorization", "Bearer open sesame", "Origin", "https://evil.example")
			require.Equal(t, http.StatusForbidden, response.StatusCode, "the token does not make a page of another origin ours")
			response, body = send(t, http.DefaultClient, "GET", page, "", "Accept", "text/html")
			require.Equal(t, http.StatusUnauthorized, response.StatusCode)
			require.Contains(t, body, `type="password"`)
			for _, path := range []string{"style.css", "page.js"} {
				response, _ = send(t, http.DefaultClient, "GET", page+path, "")
				require.Equal(t, http.StatusOK, response.StatusCode, "the page that asks for the token needs %s", path)
			}
			response, _ = send(t, http.DefaultClient, "GET", page+"?token=wrong", "", "Accept", "text/html")
			require.Equal(t, http.StatusUnauthorized, response.StatusCode)
			response, _ = send(t, http.DefaultClient, "POST", page+"reset?token="+url.QueryEscape("open sesame"), "")
			require.Equal(t, http.StatusUnauthorized, response.StatusCode, "the URL opens the page and does nothing else")

			logins := map[string]func(browser *http.Client) (*http.Response, string){
				"url": func(browser *http.Client) (*http.Response, string) {
					return send(t, browser, "GET", page+"world?token=open+sesame&account=1", "", "Accept", "text/html")
				},
				"form": func(browser *http.Client) (*http.Response, string) {
					return send(t, browser, "POST", page+"login", "token=open+sesame", "Content-Type", "application/x-www-form-urlencoded", "Origin", "http://"+address)
				},
			}
			named := ""
			for name, login := range logins {
				jar, err := cookiejar.New(nil)
				require.NoError(t, err)
				browser := &http.Client{Jar: jar}
				response, body := login(browser)
				require.Equal(t, http.StatusOK, response.StatusCode, name)
				require.NotContains(t, body, "sesame", name)
				require.Equal(t, "no-referrer", response.Header.Get("Referrer-Policy"), "the page that follows is not told the token")
				require.Len(t, response.Cookies(), 1, name)
				given := response.Cookies()[0]
				named = given.Name
				require.True(t, given.HttpOnly)
				require.Equal(t, http.SameSiteStrictMode, given.SameSite)
				require.Equal(t, prefix, given.Path)
				require.NotContains(t, given.Value, "sesame")
				response, body = send(t, browser, "GET", page, "")
				require.Equal(t, http.StatusOK, response.StatusCode, name)
				require.Contains(t, body, "CreateRepository", name)
				response, _ = send(t, browser, "POST", page, "do=reset", "Content-Type", "application/x-www-form-urlencoded", "Origin", "http://"+address)
				require.Equal(t, http.StatusOK, response.StatusCode, name)
			}
			response, _ = send(t, http.DefaultClient, "GET", page, "", "Cookie", named+"=guess")
			require.Equal(t, http.StatusUnauthorized, response.StatusCode)
		})
	}
}
