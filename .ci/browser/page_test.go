package browser

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

const throttled = `{"rules":[{"name":"two are throttled","on":"DescribeRepositories","when":{"first":2},"do":{"fail":{"code":"ThrottlingException","message":"Rate exceeded"}}},{"on":"PutImage","where":{"tag":"v9"},"do":{"drop":true},"optional":true}]}`

// named is a rule of which much is said.
const named = `{"rules":[{"name":"images of the release are put late, so that who waits for them looks again and again","on":"PutImage","where":{"tag":"v3-*"},"do":{"delay":"1ms"}}]}`

// furnish puts something of everything into the world.
func furnish(p program) {
	p.call("CreateRepository", members{"repositoryName": "team/app", "imageScanningConfiguration": members{"scanOnPush": true}, "tags": []members{{"Key": "team", "Value": "platform"}}})
	p.call("CreateRepository", members{"repositoryName": "team/database", "imageTagMutability": "IMMUTABLE", "encryptionConfiguration": members{"encryptionType": "KMS"}})
	p.call("PutReplicationConfiguration", members{"replicationConfiguration": members{"rules": []members{{"destinations": []members{{"region": "eu-west-1", "registryId": "123456789012"}}}}}})
	p.call("SetRepositoryPolicy", members{"repositoryName": "team/app", "policyText": `{"Version":"2012-10-17","Statement":[{"Sid":"pull","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::210987654321:root"},"Action":["ecr:BatchGetImage","ecr:GetDownloadUrlForLayer"]}]}`})
	p.call("PutLifecyclePolicy", members{"repositoryName": "team/app", "lifecyclePolicyText": `{"rules":[{"rulePriority":1,"selection":{"tagStatus":"untagged","countType":"sinceImagePushed","countUnit":"days","countNumber":14},"action":{"type":"expire"}}]}`})
	subject := p.image("team/app", "v1", 4000, nil)
	p.image("team/app", "v2", 300_000, nil)
	p.image("team/app", "sbom", 900, members{"subject": members{"mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest([]byte(subject)), "size": len(subject)}, "artifactType": "application/spdx+json"})
	p.image("team/database", "2026.11.26-rc.1", 70_000, nil)
	p.call("BatchGetImage", members{"repositoryName": "team/app", "imageIds": []members{{"imageTag": "v1"}}})
	p.call("DescribeImages", members{"repositoryName": "team/none"})
	p.call("StartImageScan", members{"repositoryName": "team/app", "imageId": members{"imageTag": "v2"}})
}

func TestTheCallsAsTheyCome(t *testing.T) {
	p := start(t)
	ctx := open(t, 1280, 800)
	run(t, ctx, chromedp.Navigate(p.page), visible(`#live[data-state=live]`))

	begun := time.Now()
	p.call("CreateRepository", members{"repositoryName": `team/app`})
	shows(t, ctx, `!!document.querySelector("#call-1")`)
	if took := time.Since(begun); took > time.Second {
		t.Errorf("a call shows after %v", took)
	}
	run(t, ctx, chromedp.Click(css(`#call-1 summary`)))
	shows(t, ctx, `document.querySelector("#call-1 .detail").innerText.includes('"repositoryUri": "123456789012.dkr.ecr.us-east-1.amazonaws.com/team/app"')`)

	run(t, ctx, chromedp.SetValue(css(`#scenario`), throttled), loading(chromedp.Click(css(`button[value=play]`))), visible(`#live[data-state=live]`))
	shows(t, ctx, `document.querySelector("#played").innerText.includes("two are throttled")`)
	p.call("DescribeRepositories", members{})
	shows(t, ctx, `document.querySelector("#call-2 summary").innerText.replace(/\s+/g, " ").endsWith("ThrottlingException two are throttled")`)
	shows(t, ctx, `document.querySelector("#played tbody tr td:nth-child(3)").innerText == "1"`)

	run(t, ctx, loading(chromedp.Click(css(`#stop-1`))), visible(`#live[data-state=live]`))
	shows(t, ctx, `document.querySelector("#played").innerText.includes("No scenario")`)

	run(t, ctx, chromedp.Click(css(`#pause`)))
	shows(t, ctx, `document.querySelector("#live").innerText == "paused"`)
	p.call("DescribeRepositories", members{})
	shows(t, ctx, `document.querySelector("#matching").innerText == "3"`)
	shows(t, ctx, `!document.querySelector("#call-3")`)
	run(t, ctx, chromedp.Click(css(`#pause`)))
	shows(t, ctx, `document.querySelector("#live").innerText == "live"`)
	shows(t, ctx, `!!document.querySelector("#call-3")`)
}

// TestNobodyLooks: a page in the background leaves its connection to others, of which
// a browser has six, and goes on where it was.
func TestNobodyLooks(t *testing.T) {
	p := start(t)
	ctx := open(t, 1280, 800)
	run(t, ctx, chromedp.Navigate(p.page), visible(`#live[data-state=live]`))
	look := func(hidden bool) {
		t.Helper()
		run(t, ctx, chromedp.Evaluate[chromedp.Void](fmt.Sprintf(`Object.defineProperty(document, "hidden", {value: %t, configurable: true}); document.dispatchEvent(new Event("visibilitychange"))`, hidden)))
	}
	p.call("DescribeRepositories", members{})
	shows(t, ctx, `!!document.querySelector("#call-1")`)
	look(true)
	shows(t, ctx, `events.readyState == EventSource.CLOSED`)
	p.call("DescribeRepositories", members{})
	shows(t, ctx, `!document.querySelector("#call-2")`)
	look(false)
	shows(t, ctx, `!!document.querySelector("#call-2") && document.querySelectorAll("#calls .call").length == 2`)
	shows(t, ctx, `document.querySelector("#heard").textContent.includes("New calls: 2. The last: 2 ")`)
}

// TestAnotherProgram: a page that outlives its program shows the next one's world.
func TestAnotherProgram(t *testing.T) {
	ctx := open(t, 1280, 800)
	var address string
	t.Run("first", func(t *testing.T) {
		p := start(t, "-repository", "team/first", "-repository", "team/more")
		address = strings.TrimPrefix(p.url, "http://")
		run(t, ctx, chromedp.Navigate(p.page), visible(`#live[data-state=live]`))
	})
	shows(t, ctx, `document.querySelector("#live").dataset.state == "lost"`)
	start(t, "-addr", address, "-repository", "team/second")
	shows(t, ctx, `[...document.querySelectorAll("#calls .repository")].map((e) => e.innerText).join() == "team/second"`)
}

func TestTheFilterOfTheTrace(t *testing.T) {
	p := start(t, "-repository", "team/app", "-repository", "team/db")
	ctx := open(t, 1280, 800)
	run(t, ctx, chromedp.Navigate(p.page), chromedp.Click(css(`details.more summary`)),
		chromedp.SetValue(css(`#operation`), "ListImages"), chromedp.SetValue(css(`#failed`), "true"), loading(chromedp.Click(css(`.filters + .row button`))),
		visible(`#live[data-state=live]`))
	p.call("ListImages", members{"repositoryName": "team/app"})
	p.call("ListImages", members{"repositoryName": "team/none"})
	shows(t, ctx, `[...document.querySelectorAll("#calls .call")].map((c) => c.id).join() == "call-4"`)
}

func TestControlsWithoutJavaScript(t *testing.T) {
	p := start(t, "-repository", "team/app")
	ctx := open(t, 390, 844)
	run(t, ctx, command(emulation.SetScriptExecutionDisabled, emulation.SetScriptExecutionDisabledParams{Value: true}), chromedp.Navigate(p.page))
	text := func() string {
		t.Helper()
		return ask(t, ctx, "what is shown", chromedp.OuterHTML(css(`#main`)))
	}
	// Forms lead to another page, which the browser is told to wait for.
	press := func(button string) {
		t.Helper()
		run(t, ctx, chromedp.Focus(css(button)), loading(chromedp.KeyEvent("\r")))
	}
	play := func(scenario string) {
		t.Helper()
		run(t, ctx, chromedp.SendKeys(css(`#scenario`), scenario))
		press(`button[value=play]`)
	}
	play(`{"rules":[{"on":"PutImages","do":{"hold":true}}]}`)
	if shown := text(); !strings.Contains(shown, "1:17: on: ECR has no operation") || !strings.Contains(shown, `{"on":"PutImages",`) {
		t.Errorf("a scenario with a mistake is shown with what is wrong: %s", shown)
	}
	run(t, ctx, chromedp.Navigate(p.page))
	play(throttled)
	if !strings.Contains(text(), "two are throttled") {
		t.Error("the scenario is in play")
	}
	press(`#stop-1`)
	if shown := text(); !strings.Contains(shown, "never fired: it matched 0 calls") || !strings.Contains(shown, "No scenario is in play") {
		t.Errorf("a scenario that is stopped tells what never fired: %s", shown)
	}
	run(t, ctx, chromedp.Click(css(`#call-1 summary`)), visible(`#call-1 .detail a`))
	press(`#call-1 .detail a`)
	if !strings.Contains(text(), "repositoryUri") {
		t.Error("a call is shown on a page of its own")
	}
	run(t, ctx, chromedp.Navigate(p.page))
	tomorrow := time.Now().UTC().Add(24 * time.Hour).Format("2006-01-02")
	press(`button[value="24h"]`)
	if !strings.Contains(text(), tomorrow) {
		t.Errorf("the clock is moved to %s", tomorrow)
	}
	press(`button[value=reset]`)
	if strings.Contains(text(), tomorrow) {
		t.Error("the world began anew")
	}
}

// TestPages looks at every page on a phone and on a desk, by day and by night. The
// pictures are for people; what is held is what makes them readable.
func TestPages(t *testing.T) {
	p := start(t)
	furnish(p)
	p.call("DescribeRepositories", members{})
	for _, size := range []struct {
		name          string
		width, height int
	}{{"phone", 390, 844}, {"desk", 1280, 800}} {
		for _, scheme := range []string{"light", "dark"} {
			t.Run(size.name+" "+scheme, func(t *testing.T) {
				ctx := open(t, size.width, size.height)
				run(t, ctx,
					chromedp.EmulateViewport(int64(size.width), int64(size.height)),
					command(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}}),
					chromedp.Navigate(p.page),
					chromedp.SetValue(css(`#scenario`), throttled), loading(chromedp.Click(css(`button[value=play]`))), visible(`#played table`))
				run(t, ctx, chromedp.SetValue(css(`#scenario`), named), loading(chromedp.Click(css(`button[value=play]`))))
				p.call("DescribeRepositories", members{})
				p.image("team/database", fmt.Sprint("v3-", size.name, scheme), 100, nil)
				pages := map[string]string{"image": imagePage(t, ctx, p)}
				for name, path := range allPages {
					pages[name] = path
				}
				for name, path := range pages {
					run(t, ctx, chromedp.Navigate(p.page+path), visible(`#main`))
					if name == "calls" {
						run(t, ctx, visible(`#live[data-state=live]`), chromedp.Focus(css(`#call-33 summary`)), chromedp.KeyEvent("\r"), visible(`#call-33 .sides`))
					}
					picture(t, ctx, name)
					readable(t, ctx, name)
				}
			})
		}
	}
}

var allPages = map[string]string{
	"calls":      "",
	"filtered":   "?operation=images",
	"call":       "call?number=18",
	"world":      "world",
	"repository": "repository?account=123456789012&region=us-east-1&name=team/app",
}

// imagePage is the path of the page of an image that others refer to.
func imagePage(t *testing.T, ctx context.Context, p program) string {
	t.Helper()
	run(t, ctx, chromedp.Navigate(p.page+allPages["repository"]+"&text=v1"))
	return ask(t, ctx, "the link to an image", chromedp.AttributeValue(css(`#images tbody a`), "href")).Value
}

// readable holds that a page is no wider than the screen, that all that is used has
// a name, and that texts stand out from what is behind them.
func readable(t *testing.T, ctx context.Context, name string) {
	t.Helper()
	faults := ask(t, ctx, "what cannot be read", chromedp.Evaluate[[]string](`(() => {
  const faults = [];
  const root = document.documentElement;
  if (root.scrollWidth > root.clientWidth) faults.push("it is " + root.scrollWidth + " wide on " + root.clientWidth);
  for (const e of document.querySelectorAll("input:not([type=hidden]), select, textarea")) {
    if (!e.labels.length) faults.push("no label: " + e.outerHTML.slice(0, 80));
  }
  for (const e of document.querySelectorAll("a, button, summary")) {
    if (!e.textContent.trim()) faults.push("no text: " + e.outerHTML.slice(0, 80));
  }
  for (const e of document.querySelectorAll("[onclick], div[role=button], span[role=button]")) faults.push("no button: " + e.outerHTML.slice(0, 80));
  let level = 0;
  for (const e of document.querySelectorAll("h1, h2, h3, h4, h5, h6")) {
    const next = Number(e.tagName[1]);
    if (next > level + 1) faults.push("a heading of level " + next + " below one of level " + level + ": " + e.textContent);
    level = next;
  }
  const landmarks = [...document.querySelectorAll("main, header, nav, aside, section[aria-label], section[aria-labelledby], [role=region]")].map((e) => {
    const named = (e.getAttribute("aria-labelledby") || "").split(" ").map((id) => document.getElementById(id)?.textContent || "").join(" ");
    return (e.getAttribute("role") || e.localName) + ": " + (e.getAttribute("aria-label") || named).trim();
  });
  for (const mark of landmarks) if (landmarks.indexOf(mark) != landmarks.lastIndexOf(mark)) faults.push("two landmarks are called " + mark);
  for (const e of document.querySelectorAll(".call .repository")) {
    if (innerWidth >= 1280 && e.getBoundingClientRect().right > e.parentElement.getBoundingClientRect().right) faults.push("a repository's name is cut: " + e.textContent);
  }
  for (const e of document.querySelectorAll(".facts dd")) {
    if (e.parentElement.clientWidth < e.closest("dl").clientWidth - 1 && e.clientHeight > 2 * parseFloat(getComputedStyle(e).lineHeight)) faults.push("a value wraps where there is room: " + e.textContent);
  }
  const ids = [...document.querySelectorAll("[id]")].map((e) => e.id);
  for (const id of ids) if (ids.indexOf(id) != ids.lastIndexOf(id)) faults.push("an id stands twice: " + id);
  const rgb = (c) => (c.match(/[\d.]+/g) || []).map(Number);
  const light = (c) => { const [r, g, b] = rgb(c).map((v) => { v /= 255; return v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4; }); return .2126 * r + .7152 * g + .0722 * b; };
  const behind = (e) => { for (; e; e = e.parentElement) { const c = getComputedStyle(e).backgroundColor, v = rgb(c); if (v.length == 3 || v[3] == 1) return c; } return "rgb(255,255,255)"; };
  for (const e of document.querySelectorAll("main *, header *")) {
    if (![...e.childNodes].some((n) => n.nodeType == 3 && n.data.trim()) || !e.offsetParent) continue;
    const a = light(getComputedStyle(e).color), b = light(behind(e)), ratio = (Math.max(a, b) + .05) / (Math.min(a, b) + .05);
    if (ratio < 4.5 && !e.closest("option, datalist")) faults.push("contrast " + ratio.toFixed(2) + ": " + e.outerHTML.slice(0, 100));
  }
  return [...new Set(faults)];
})()`))
	for _, fault := range faults {
		t.Errorf("%s: %s", name, fault)
	}
}

func TestKeyboardAlone(t *testing.T) {
	p := start(t, "-repository", "team/app")
	ctx := open(t, 1280, 800)
	run(t, ctx, chromedp.Navigate(p.page), visible(`#live[data-state=live]`))
	var reached []string
	for range 60 {
		run(t, ctx, chromedp.KeyEvent("\t"))
		at := ask(t, ctx, "where the focus is", chromedp.Evaluate[string](`(() => {
  const e = document.activeElement, s = getComputedStyle(e);
  if (e == document.body) return "";
  return (e.id || e.name || e.innerText).slice(0, 40) + (s.outlineStyle == "none" || s.outlineWidth == "0px" ? " without a sign" : "");
})()`))
		if at == "" {
			break
		}
		reached = append(reached, at)
	}
	for _, want := range []string{"To the content", "fakeecr", "Calls", "World", "pause", "Filter", "scenario", "do", "duration"} {
		if !contains(reached, want) {
			t.Errorf("the key Tab never leads to %q: %q", want, reached)
		}
	}
	for _, at := range reached {
		if strings.HasSuffix(at, "without a sign") {
			t.Errorf("who uses the keyboard does not see where: %s", at)
		}
	}
	run(t, ctx, chromedp.Focus(css(`#call-1 summary`)), chromedp.KeyEvent("\r"))
	shows(t, ctx, `document.querySelector("#call-1 .detail").innerText.includes("Output")`)
	// A form leads to the page anew; the focus goes to the part that it was in.
	run(t, ctx, chromedp.SetValue(css(`#scenario`), throttled), chromedp.Focus(css(`button[value=play]`)), loading(chromedp.KeyEvent("\r")), visible(`#stop-1`), visible(`#live[data-state=live]`))
	shows(t, ctx, `document.activeElement.id == "scenarios"`)
	run(t, ctx, chromedp.Focus(css(`button[value="24h"]`)), loading(chromedp.KeyEvent("\r")), visible(`#live[data-state=live]`))
	shows(t, ctx, `document.activeElement.id == "clock"`)
	// The scenarios are shown anew with each call; the focus stays.
	run(t, ctx, chromedp.Focus(css(`#stop-1`)))
	p.call("DescribeRepositories", members{})
	shows(t, ctx, `document.querySelector("#played tbody tr td:nth-child(3)").innerText == "1"`)
	shows(t, ctx, `document.activeElement.id == "stop-1"`)
	run(t, ctx, loading(chromedp.KeyEvent("\r")), visible(`#live[data-state=live]`))
	shows(t, ctx, `document.activeElement.id == "scenarios"`)
}

func contains(list []string, text string) bool {
	for _, s := range list {
		if strings.HasPrefix(s, text) {
			return true
		}
	}
	return false
}

// TestTenThousand: neither calls nor images by the ten thousand make the pages slow.
func TestTenThousand(t *testing.T) {
	const n = 10_000
	p := start(t, "-repository", "team/app", "-repository", "team/many", "-quota", "images per repository=20000")
	config := p.layer("team/many", "application/vnd.oci.image.config.v1+json", []byte("{}"))
	layer := p.layer("team/many", "application/vnd.oci.image.layer.v1.tar", []byte("layer"))
	for i := range n {
		p.put("team/many", fmt.Sprintf("v%d", i), config, layer, members{"annotations": members{"n": fmt.Sprint(i)}})
	}
	ctx := open(t, 1280, 800)
	for _, path := range []string{"", "?before=5000", "?tag=v77*", "world", "repository?account=123456789012&region=us-east-1&name=team/many", "repository?account=123456789012&region=us-east-1&name=team/many&text=v999"} {
		run(t, ctx, chromedp.Navigate("about:blank"))
		begun := time.Now()
		run(t, ctx, chromedp.Navigate(p.page+path))
		loaded := time.Since(begun)
		begun = time.Now()
		response, err := http.Get(p.page + path)
		must(t, err)
		size, err := io.Copy(io.Discard, response.Body)
		must(t, err)
		took := time.Since(begun)
		t.Logf("%v to load %q, of which the program takes %v for %d bytes", loaded, path, took, size)
		if took > time.Second {
			t.Errorf("%q takes %v", path, took)
		}
	}
	run(t, ctx, chromedp.Navigate(p.page), visible(`#live[data-state=live]`))
	shows(t, ctx, `/^10,000, the last of 1\d,\d{3}$/.test(document.querySelector("#calls-title .quiet").innerText)`)
	said := `document.querySelector("#made").innerText`
	before := ask(t, ctx, "how many calls there were", chromedp.Evaluate[string](said))
	p.call("DescribeRepositories", members{})
	shows(t, ctx, fmt.Sprintf(`%s != %q`, said, before))
	for range 5 {
		begun := time.Now()
		_, output := p.call("DescribeImages", members{"repositoryName": "team/many", "maxResults": 1000})
		if output["nextToken"] == nil {
			t.Fatal("there are more than a thousand images")
		}
		shows(t, ctx, `document.querySelector("#calls .call .operation").innerText == "DescribeImages" && (document.querySelector("#calls .call").id != window.last) && (window.last = document.querySelector("#calls .call").id)`)
		took := time.Since(begun)
		t.Logf("%v until a call shows", took)
		if took > time.Second {
			t.Errorf("a call shows after %v", took)
		}
	}
}
