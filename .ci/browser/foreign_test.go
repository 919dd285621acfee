package browser

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// TestForeignPage: a page of another site that the user of this machine looks at
// cannot steer the program, by a form or by a script, and reads nothing of it; also
// not if it has its own name lead here.
func TestForeignPage(t *testing.T) {
	p := start(t, "-repository", "team/app")
	tried := make(chan struct{}, 1)
	evil := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		if req.URL.Path == "/done" {
			tried <- struct{}{}
			return
		}
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<!doctype html><title>evil</title>
<form id="form" method="post" action="%[1]sreset"></form>
<form id="page" method="post" action="%[1]s"><input name="do" value="reset"></form>
<form id="text" method="post" enctype="text/plain" action="%[1]sscenario"><input name='{"rules":[{"on":"PutImage","do":{"hold":true},"optional":true,"name":"' value='"}]}'></form>
<script>
const headers = {"Content-Type": "application/x-www-form-urlencoded"};
const tries = [
  fetch("%[1]sreset", {method: "POST", mode: "no-cors"}),
  fetch("%[1]s", {method: "POST", mode: "no-cors", headers, body: "do=reset"}),
  fetch("%[1]sscenario", {method: "DELETE"}),
  fetch("%[1]strace").then((answer) => { document.title = "read" }),
];
Promise.allSettled(tries).then(() => fetch("/done"));
</script>`, p.page)
	}))
	defer evil.Close()
	ctx := open(t, 1280, 800)
	// localhost and 127.0.0.1 are two sites, two ports of one are one.
	for _, url := range []string{evil.URL, strings.Replace(evil.URL, "127.0.0.1", "localhost", 1)} {
		run(t, ctx, chromedp.Navigate(url))
		<-tried
		shows(t, ctx, `document.title == "evil"`)
		for _, form := range []string{"form", "page", "text"} {
			run(t, ctx, chromedp.Navigate(url))
			<-tried
			run(t, ctx, loading(chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`document.getElementById(%q).submit()`, form))))
			shows(t, ctx, `document.body.innerText.includes("a page of another origin sends no request here")`)
		}
	}
	_, output := p.call("DescribeRepositories", members{})
	response, err := http.Get(p.page + "trace")
	must(t, err)
	defer response.Body.Close()
	if output["repositories"] == nil || response.StatusCode != http.StatusOK {
		t.Errorf("the world is as it was: %v", output)
	}
	// Only those calls were made that the test made: a reset begins a new trace with
	// the same first call, so the second tells.
	run(t, ctx, chromedp.Navigate(p.page))
	shows(t, ctx, `!!document.querySelector("#call-2") && document.querySelector("#played").innerText.includes("No scenario")`)
}

// TestRebinding: a name of another site that leads to this machine opens nothing.
func TestRebinding(t *testing.T) {
	p := start(t, "-repository", "team/app")
	ctx := open(t, 1280, 800, chromedp.Flag("host-resolver-rules", "MAP evil.example 127.0.0.1"))
	run(t, ctx, chromedp.Navigate(strings.Replace(p.page, "127.0.0.1", "evil.example", 1)))
	shows(t, ctx, `document.body.innerText.includes("is no name of this program")`)
}

// TestToken: who has the token has the page, from a link or by the form.
func TestToken(t *testing.T) {
	p := start(t, "-repository", "team/app", "-token", "open sesame")
	ctx := open(t, 390, 844)
	run(t, ctx, chromedp.Navigate(p.page), chromedp.SendKeys(css(`#token`), "guess\r"))
	shows(t, ctx, `document.body.innerText.includes("That is not the token")`)
	run(t, ctx, chromedp.SendKeys(css(`#token`), "open sesame\r"))
	shows(t, ctx, `!!document.querySelector("#call-1") && document.querySelector("#live").dataset.state == "live" && document.cookie == ""`)

	link := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprintf(w, `<a href="%s?token=open+sesame">the fake of this run</a>`, p.page)
	}))
	defer link.Close()
	another := open(t, 390, 844)
	run(t, another, chromedp.Navigate(strings.Replace(link.URL, "127.0.0.1", "localhost", 1)), chromedp.Click(css(`a`)))
	shows(t, another, `!!document.querySelector("#call-1") && !location.href.includes("sesame")`)
}
