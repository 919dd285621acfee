// Command fakeecr serves an in-memory Amazon ECR on a loopback port, for tests
// in any language:
//
//	fakeecr -addr 127.0.0.1:0 -repository team/app
//
// Its first line is a URL by which this machine reaches it; AWS_ENDPOINT_URL_ECR takes
// it. Its second line says where it shows its world to people.
// It stops cleanly on SIGINT and SIGTERM.
//
// fakeecr verify plays the statements about ECR that come with it, against itself,
// another emulator or ECR; see fakeecr verify -help.
//
// fakeecr explore -- COMMAND runs a command as it is, and then once for each fault at
// each of its calls, and says what it does not survive; see fakeecr explore -help.
package main

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/scenarios"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "verify" {
		os.Exit(verify(context.Background(), os.Args[2:]))
	}
	if len(os.Args) > 1 && os.Args[1] == "explore" {
		ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
		status := explore(ctx, os.Args[2:], os.Stdout, os.Stderr)
		stop()
		os.Exit(status)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return
		}
		fmt.Fprintf(os.Stderr, "fakeecr: %v\n", err)
		os.Exit(2)
	}
}

// run serves until the context ends. It checks its arguments before it listens.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	c, err := parse(args, stderr)
	if err != nil {
		return err
	}
	if c.version {
		_, err := fmt.Fprintln(stdout, version())
		return err
	}
	handler := newControl(c)
	if err := handler.reset(ctx); err != nil {
		return err
	}
	listener, err := net.Listen("tcp", c.addr)
	if err != nil {
		return err
	}
	// The authority stays when the world is reset.
	first := handler.registry.Load()
	url := "http://" + nearby(listener.Addr())
	if c.tls {
		url = "https://" + nearby(listener.Addr())
		listener = tls.NewListener(listener, first.TLSConfig())
	}
	if err := c.writeFiles(url, first); err != nil {
		listener.Close()
		return err
	}
	// Calls that rules keep would hold up the end.
	defer context.AfterFunc(ctx, func() { handler.played.end() })()
	handler.ended = ctx
	if handler.guard.exposed = isExposed(listener.Addr()); handler.guard.exposed {
		fmt.Fprintf(stderr, "fakeecr: other machines can reach %s, which knows no secrets; %s\n", listener.Addr(), handler.guard.says())
	}
	// One write: who reads a line may read no more.
	io.WriteString(stdout, greeting(url, handler.guard.isShut()))
	if c.proxy {
		return serve(ctx, listener, handler.proxied(first.TLSConfig, log.New(stderr, "", 0)))
	}
	return serve(ctx, listener, handler)
}

// greeting is what the program says once it listens: where, and where its page is
// unless nobody gets through to it.
func greeting(url string, shut bool) string {
	shows := "at " + url + prefix
	if shut {
		shows = "to nobody: other machines can reach it, so that takes -token"
	}
	return fmt.Sprintf("fakeecr listening on %s\nfakeecr shows its world %s\n", url, shows)
}

// nearby is an address by which this machine reaches one that a program listens on.
func nearby(addr net.Addr) string {
	host, port, err := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); err == nil && ip.IsUnspecified() {
		return net.JoinHostPort("localhost", port)
	}
	return addr.String()
}

// grace is how long requests may take to end once the program was told to stop.
const grace = 5 * time.Second

func serve(ctx context.Context, listener net.Listener, handler http.Handler) error {
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		return err
	case <-ctx.Done():
	}
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(ending); err != nil {
		server.Close()
	}
	<-served
	return nil
}

// config is what the flags say.
type config struct {
	addr         string
	tls, proxy   bool
	caFile       string
	options      []fakeecr.Option
	repositories []string
	scenarios    []scenarios.Scenario
	// hosts are names of the program, and token is what its own requests need.
	hosts []string
	token string
	// tokenFile is where the token is read from, "" for nowhere.
	tokenFile string
	version   bool
	// envFile is where the environment of clients is written to, "" for nowhere.
	envFile string
}

func parse(args []string, stderr io.Writer) (*config, error) {
	c := &config{}
	flags := flag.NewFlagSet("fakeecr", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.Usage = func() {
		fmt.Fprint(stderr, "Usage: fakeecr [flags] serves a registry; fakeecr verify [flags] plays what is known of ECR; fakeecr explore [flags] -- COMMAND has its every call fail.\n\n")
		flags.PrintDefaults()
		fmt.Fprintf(stderr, "\nRequests that steer it while it runs:\n\n%s\nIts page is at %s.\n", requestsInWords(), prefix)
	}
	c.define(flags)
	if err := flags.Parse(args); err != nil {
		return nil, err
	}
	if flags.NArg() > 0 {
		return nil, fmt.Errorf("unexpected arguments: %s", strings.Join(flags.Args(), " "))
	}
	if err := c.readToken(); err != nil {
		return nil, err
	}
	if c.caFile != "" && !c.tls && !c.proxy {
		return nil, errors.New("-tls-ca needs -tls or -proxy")
	}
	if c.proxy {
		c.options = append(c.options, fakeecr.WithProxy())
	}
	return c, nil
}

func (c *config) define(flags *flag.FlagSet) {
	flags.StringVar(&c.addr, "addr", "127.0.0.1:0", "`host:port` to listen on; port 0 takes a free one")
	flags.BoolVar(&c.tls, "tls", false, "serve HTTPS, with certificates for loopback, for ECR's own names and for the name that a client asks for; see -tls-ca")
	flags.BoolVar(&c.proxy, "proxy", false, "be a proxy as well, which HTTPS_PROXY takes, to the hosts of ECR, of STS and ECR Public and of ECR's layers, and to no other: for programs that know ECR by its own names; see -env and -tls-ca")
	flags.StringVar(&c.caFile, "tls-ca", "", "a `file` to write the authority to that clients of -tls and -proxy are to trust, as AWS_CA_BUNDLE, SSL_CERT_FILE or docker's ca.crt; a new one each time")
	flags.StringVar(&c.envFile, "env", "", "a `file` to write the environment to in which clients come here, STS's too, as docker run --env-file reads it or, in a shell without an AWS_PROFILE, set -a; . ./FILE; with -tls or -proxy also FILE.pem, which it names")
	flags.StringVar(&c.token, "token", "", "a `secret` that the page and the requests below "+prefix+" need; required for them where other machines can reach -addr; default $"+tokenVariable)
	flags.StringVar(&c.tokenFile, "token-file", "", "a `file` with the secret of -token, which so is not seen in the list of processes")
	flags.BoolVar(&c.version, "version", false, "say which version this is, and end")
	flags.Func("host", "a `name`, besides localhost, by which the page and the requests below "+prefix+" are reached; may be repeated", func(s string) error {
		name, err := hostName(s)
		c.hosts = append(c.hosts, name)
		return err
	})
	option := func(name, usage string, read func(string) (fakeecr.Option, error)) {
		flags.Func(name, usage, func(s string) error {
			option, err := read(s)
			if option != nil {
				c.options = append(c.options, option)
			}
			return err
		})
	}
	option("account", "the account, 12 `digits` (default 123456789012)", func(s string) (fakeecr.Option, error) { return fakeecr.WithAccount(s), nil })
	option("region", "the `region` (default us-east-1)", func(s string) (fakeecr.Option, error) { return fakeecr.WithRegion(s), nil })
	option("seed", "a `number` that ids and tokens follow from (default a new one each time)", seed)
	option("sigv4", "verify signatures, which may be by `key:secret` or, of a session, key:secret:token; may be repeated", signer)
	option("registry", "how the registry endpoint, /v2/, answers: as `ecr`, or as the OCI distribution spec wants it, which is spec (default ecr)", endpoint)
	option("quota", "a limit, such as `\"images per repository=2\"`; may be repeated", quota)
	option("scan-duration", "how long after its push an image is scanned continuously, as a `duration` such as 720h, or 0 for good (default 336h)", scanDuration)
	option("kms-key", "a KMS key by its `ARN`, after a comma its error, which is DisabledException, KMSInvalidStateException, AccessDeniedException or NotFoundException; may be repeated", kmsKey)
	option("secret", "a secret by its `ARN`, after a comma its error, which is \"access denied\", \"undecryptable\" or \"not found\"; may be repeated", secret)
	toggle := func(name, usage string, option fakeecr.Option) {
		flags.BoolFunc(name, usage, func(s string) error {
			on, err := strconv.ParseBool(s)
			if on {
				c.options = append(c.options, option)
			}
			return err
		})
	}
	toggle("open-registry", "ask for no credentials at the registry endpoint", fakeecr.WithOpenRegistry())
	toggle("reachable-uris", "answer as repositoryUri and proxyEndpoint where they were asked for, so that docker, cdk-assets and Terraform come here, and not ECR's names; leave it out for what reads account and region from these, as Amazon's credential helper for Docker does", fakeecr.WithReachableURIs())
	flags.Func("repository", "the `name` of a repository to begin with; may be repeated", func(s string) error {
		c.repositories = append(c.repositories, s)
		return nil
	})
	flags.Func("scenario", "a `file` with a scenario as JSON, in play from the beginning; may be repeated", func(s string) error {
		played, err := scenarioFile(s)
		c.scenarios = append(c.scenarios, played)
		return err
	})
}

// tokenVariable is the environment variable that has the token if no flag has it.
const tokenVariable = "FAKEECR_TOKEN"

// readToken takes the token from where it is, if it is no flag.
func (c *config) readToken() error {
	switch {
	case c.tokenFile == "":
		c.token = cmp.Or(c.token, os.Getenv(tokenVariable))
		return nil
	case c.token != "":
		return errors.New("-token and -token-file are one too many")
	}
	text, err := os.ReadFile(c.tokenFile)
	if err != nil {
		return err
	}
	c.token = strings.TrimRight(string(text), "\r\n")
	if c.token == "" {
		return fmt.Errorf("-token-file: there is no token in %s", c.tokenFile)
	}
	return nil
}

// version is that of the program, of the API that it knows and of the Go that it was
// built with.
func version() string {
	info, _ := debug.ReadBuildInfo()
	if info == nil {
		return "fakeecr, of an unknown version"
	}
	text := "fakeecr " + cmp.Or(info.Main.Version, "(devel)")
	for _, module := range info.Deps {
		if module.Path == "github.com/aws/aws-sdk-go-v2/service/ecr" {
			text += ", service/ecr " + module.Version
		}
	}
	return text + ", " + info.GoVersion
}

// writeFiles writes the authority and the environment of a server's clients, before the
// first line says that they are there.
func (c *config) writeFiles(url string, registry *fakeecr.Registry) error {
	if c.caFile != "" {
		if err := os.WriteFile(c.caFile, registry.RootCAsPEM(), 0o644); err != nil {
			return err
		}
	}
	return writeEnv(c.envFile, url, registry)
}

func scenarioFile(name string) (scenarios.Scenario, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	played, err := scenarios.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s:%w", name, err)
	}
	return played, nil
}

// endpoint is how the registry endpoint answers; ECR's way needs no option.
func endpoint(s string) (fakeecr.Option, error) {
	switch s {
	case "ecr":
		return nil, nil
	case "spec":
		return fakeecr.WithSpecRegistry(), nil
	default:
		return nil, fmt.Errorf("the registry endpoint answers as ecr or as spec, not as %q", s)
	}
}

func seed(s string) (fakeecr.Option, error) {
	n, err := strconv.ParseUint(s, 10, 64)
	if err != nil {
		return nil, errors.New("a seed is a natural number")
	}
	return fakeecr.WithSeed(n), nil
}

func signer(s string) (fakeecr.Option, error) {
	parts := strings.Split(s, ":")
	if len(parts) < 2 || len(parts) > 3 || slices.Contains(parts, "") {
		return nil, errors.New("credentials are an access key, a secret and, of a session, its token, with colons between them")
	}
	credentials := aws.Credentials{AccessKeyID: parts[0], SecretAccessKey: parts[1]}
	if len(parts) == 3 {
		credentials.SessionToken = parts[2]
	}
	return fakeecr.WithSigV4(credentials), nil
}

func quota(s string) (fakeecr.Option, error) {
	name, most, _ := strings.Cut(s, "=")
	n, err := strconv.ParseInt(most, 10, 64)
	if err != nil {
		return nil, errors.New("a quota is its name, an equals sign and a whole number")
	}
	return fakeecr.WithQuota(fakeecr.Quota(name), n), nil
}

func scanDuration(s string) (fakeecr.Option, error) {
	d, err := time.ParseDuration(s)
	if err != nil {
		return nil, errors.New("a duration is hours, minutes and seconds, such as 720h")
	}
	return fakeecr.WithScanDuration(d), nil
}

func kmsKey(s string) (fakeecr.Option, error) {
	arn, state, _ := strings.Cut(s, ",")
	return fakeecr.WithKMSKey(arn, fakeecr.KMSKeyState(state)), nil
}

func secret(s string) (fakeecr.Option, error) {
	arn, state, _ := strings.Cut(s, ",")
	return fakeecr.WithSecret(arn, fakeecr.SecretState(state)), nil
}
