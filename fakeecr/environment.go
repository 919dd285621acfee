package fakeecr

import (
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"

	"github.com/fakeecr/ecr/fakeecr/internal/entrance"
)

// Env is the environment in which any AWS SDK or CLI finds the server, as
// KEY=value pairs for a child process: append them to os.Environ() for
// exec.Cmd.Env. Besides endpoint, region and keys they overrule what else on the
// machine would lead a client elsewhere: its session token, profile and shared
// config files, FIPS and dual-stack endpoints, a proxy. STS comes here too, and so
// does the login of ECR Public; see scenarios.Identity. Calls of other services come to
// the server as well, which refuses them in words that their clients can read, unless an
// endpoint of their own is set (AWS_ENDPOINT_URL_S3). The profile is in a file that Close
// removes.
//
// With [WithTLS] a file, which Close removes too, has the server's authority before
// the certificates that the machine trusts, as far as those are in one file (that of
// SSL_CERT_FILE, or where Linux, macOS and BSD have it). AWS_CA_BUNDLE, SSL_CERT_FILE,
// REQUESTS_CA_BUNDLE, CURL_CA_BUNDLE and NODE_EXTRA_CA_CERTS name it, so that the AWS
// SDKs, Go, OpenSSL, Python, curl and Node trust the server and what they trusted
// before. Java, and Go and .NET on Windows and macOS, take no authority from the
// environment; [WithProxy] says how they are told.
//
// With [WithProxy] there is such a file too. HTTPS_PROXY and HTTP_PROXY name the server,
// and no endpoint is set; one that the process inherits is ignored. NO_PROXY is this
// machine alone, whatever it was: what else the process is to reach without the proxy has
// to be added to it.
//
// The SDK for Go v2 refuses code that gives it an http.Client of its own where
// AWS_CA_BUNDLE is set ("unable to add custom RootCAs"): append "AWS_CA_BUNDLE=" for such
// code. With WithProxy it is set only where the machine has it already or Go does not read
// SSL_CERT_FILE, on macOS and Windows; elsewhere append it with the file that
// SSL_CERT_FILE names for an SDK that reads no other.
//
// In Go and Python a process takes a role by its web identity, as a pod or a job does, if
// AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE, a file of any four characters or more, are
// appended, and AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY without a value: keys go first.
//
// Two kinds of client in Go read no endpoint from the environment. One that is made of
// an aws.Config of its own, and not by config.LoadDefaultConfig, needs a BaseEndpoint or
// [WithProxy]. The SDK for Go v1 does so too, or has to be told:
//
//	ecr.New(session.Must(session.NewSession()), aws.NewConfig().WithEndpoint(server.URL))
func (s *Server) Env() []string {
	if instanceOf(s.Registry).t != nil {
		instanceOf(s.Registry).t.Helper()
	}
	return pairs(s.environment())
}

// Setenv sets the environment of [Server.Env] for the rest of the test, which
// therefore cannot be parallel. The SDK for Go v1 has to be told the endpoint all
// the same. With [WithTLS], clients in this process that are not of an AWS SDK have
// to be given the server's RootCAs, because Go reads SSL_CERT_FILE once, when a
// process first needs it. With [WithProxy] it ends the test, because Go reads HTTPS_PROXY
// once as well.
func (s *Server) Setenv(t interface{ Setenv(key, value string) }) {
	if instanceOf(s.Registry).t != nil {
		instanceOf(s.Registry).t.Helper()
	}
	if instanceOf(s.Registry).setup.proxy {
		instanceOf(s.Registry).must(errSetenvOfProxy)
	}
	for _, v := range s.environment() {
		t.Setenv(v.name, v.value)
	}
}

// EnvAt is the environment of [Server.Env] for a server of your own, by its URL, that
// serves the [Registry.Handler]: for a process in a container, say. It names no profile
// file, as no container has it: a process that inherits AWS_PROFILE from elsewhere is to
// be rid of it. For a URL of https, and with [WithProxy], it writes the certificates that
// clients are to trust, as Env does, to the file bundle, and names that. The error is
// that of the file.
func (r *Registry) EnvAt(url, bundle string) ([]string, error) {
	if !strings.HasPrefix(url, "https:") && !instanceOf(r).setup.proxy {
		bundle = ""
	} else if err := os.WriteFile(bundle, append(r.RootCAsPEM(), machinePool()...), 0o644); err != nil {
		return nil, err
	}
	return pairs(r.environmentAt(url, os.DevNull, bundle)), nil
}

type variable struct{ name, value string }

func pairs(variables []variable) (pairs []string) {
	for _, v := range variables {
		pairs = append(pairs, v.name+"="+v.value)
	}
	return pairs
}

// environment has no empty value where an SDK reads one as a mistake: boto3 finds
// no profile of an empty name, nor any that no file has.
func (s *Server) environment() []variable {
	profile, err := s.files.profile(s.Region(), s.accessKey())
	instanceOf(s.Registry).must(err)
	bundle := ""
	if setup := instanceOf(s.Registry).setup; setup.tls || setup.proxy {
		bundle, err = s.files.write("ca.pem", append(s.RootCAsPEM(), machinePool()...))
		instanceOf(s.Registry).must(err)
	}
	// The SDKs for JavaScript and .NET prefer a profile, or a role, to keys.
	return append(s.environmentAt(s.URL, profile, bundle), variable{"AWS_PROFILE", "default"}, variable{"AWS_DEFAULT_PROFILE", "default"})
}

// environmentAt is the environment of a server at a URL, where a file has the profiles
// and another one, if there is TLS, the certificates to trust.
func (r *Registry) environmentAt(at, profiles, bundle string) []variable {
	way := endpoints(at)
	if instanceOf(r).setup.proxy {
		way = proxies(at)
	}
	return append(append(trust(bundle, instanceOf(r).setup.proxy), way...), []variable{
		{"AWS_USE_FIPS_ENDPOINT", "false"},
		{"AWS_USE_DUALSTACK_ENDPOINT", "false"},
		{"AWS_REGION", r.Region()},
		{"AWS_DEFAULT_REGION", r.Region()}, // the only one that boto3 and the CLI read
		{"AWS_ACCESS_KEY_ID", r.accessKey()},
		{"AWS_SECRET_ACCESS_KEY", entrance.SecretAccessKey},
		{"AWS_SESSION_TOKEN", ""},
		{"AWS_SECURITY_TOKEN", ""}, // its old name, which boto3 reads first
		{"AWS_CREDENTIAL_EXPIRATION", ""},
		{"AWS_CONFIG_FILE", profiles},
		{"AWS_SHARED_CREDENTIALS_FILE", profiles},
		{"AWS_WEB_IDENTITY_TOKEN_FILE", ""},
		{"AWS_ROLE_ARN", ""},
		{"AWS_EC2_METADATA_DISABLED", "true"},
	}...)
}

// endpoints leads clients to a server, which needs no proxy.
func endpoints(at string) []variable {
	direct := unproxied(at)
	return []variable{
		{"AWS_ENDPOINT_URL_ECR", at},
		{"AWS_ENDPOINT_URL_ECR_PUBLIC", at},
		{"AWS_ENDPOINT_URL_STS", at},
		{"AWS_ENDPOINT_URL", at},
		{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "false"},
		{"NO_PROXY", direct},
		{"no_proxy", direct},
	}
}

// proxies leads all that is not on this machine through a proxy: what the machine says
// needs none may be AWS. Node looks for proxies where it is told to.
func proxies(at string) (all []variable) {
	for _, name := range []string{"HTTPS_PROXY", "https_proxy", "HTTP_PROXY", "http_proxy"} {
		all = append(all, variable{name, at})
	}
	hosts := []string{"localhost", "::1", "127.0.0.1"}
	if host := hostOf(at); !slices.Contains(hosts, host) {
		hosts = append(hosts, host)
	}
	direct := strings.Join(hosts, ",")
	return append(all, variable{"NO_PROXY", direct}, variable{"no_proxy", direct}, variable{"NODE_USE_ENV_PROXY", "1"}, variable{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true"})
}

// trust is what has clients trust a file of certificates, "" for none. An empty name is
// given only in place of a file that is not there, which ends some clients before they
// speak plain HTTP: boto3 takes neither. By a proxy comes code with a transport of its
// own, for which the SDK for Go v2 takes no AWS_CA_BUNDLE.
func trust(bundle string, proxy bool) (all []variable) {
	given := os.Getenv("AWS_CA_BUNDLE")
	if bundle == "" {
		if _, err := os.Stat(given); given != "" && err != nil {
			return []variable{{"AWS_CA_BUNDLE", ""}}
		}
		return nil
	}
	names := []string{"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "NODE_EXTRA_CA_CERTS"}
	if !proxy || given != "" || slices.Contains([]string{"darwin", "ios", "windows"}, runtime.GOOS) {
		names = append(names, "AWS_CA_BUNDLE")
	}
	for _, name := range names {
		all = append(all, variable{name, bundle})
	}
	return all
}

// machinePool is the certificates that the machine trusts, if there is a file of
// them.
func machinePool() []byte {
	for _, path := range []string{
		os.Getenv("SSL_CERT_FILE"),
		"/etc/ssl/certs/ca-certificates.crt", // Debian, Alpine
		"/etc/pki/tls/certs/ca-bundle.crt",   // Fedora
		"/etc/ssl/ca-bundle.pem",             // SUSE
		"/etc/ssl/cert.pem",                  // macOS, BSD
	} {
		if pool, err := os.ReadFile(path); err == nil {
			return pool
		}
	}
	return nil
}

// unproxied is which hosts need no proxy: the server's, which is at a URL, besides the
// machine's.
func unproxied(at string) string {
	var hosts []string
	for _, name := range []string{"NO_PROXY", "no_proxy"} {
		switch value := os.Getenv(name); value {
		case "":
		case "*":
			return "*"
		default:
			hosts = append(hosts, strings.ReplaceAll(value, " ", ""))
		}
	}
	return strings.Join(append(hosts, hostOf(at)), ",")
}

// hostOf is the host of a URL, this machine if it has none.
func hostOf(at string) string {
	if u, err := url.Parse(at); err == nil && u.Hostname() != "" {
		return u.Hostname()
	}
	return "127.0.0.1"
}

// files are those that the environment of a server and its neighbours names.
type files struct {
	mu        sync.Mutex
	directory string
}

// profile answers the path of a file with the profile "default", which serves for
// config and credentials alike.
func (f *files) profile(region, accessKey string) (string, error) {
	return f.write(accessKey+"-"+region, fmt.Appendf(nil, "[default]\nregion = %s\naws_access_key_id = %s\naws_secret_access_key = %s\n",
		region, accessKey, entrance.SecretAccessKey))
}

// write answers the path of a file, which is written if it is not there.
func (f *files) write(name string, content []byte) (string, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.directory == "" {
		directory, err := os.MkdirTemp("", "fakeecr-")
		if err != nil {
			return "", fmt.Errorf("no folder for the files that Env and Setenv name, a profile and certificates; TMPDIR says where it is made: %w", err)
		}
		f.directory = directory
	}
	path := filepath.Join(f.directory, name)
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return path, nil
	}
	if err != nil {
		return "", err
	}
	_, err = file.Write(content)
	return path, errors.Join(err, file.Close())
}

func (f *files) remove() {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.directory != "" {
		os.RemoveAll(f.directory) // what stays is a temporary file
		f.directory = ""
	}
}
