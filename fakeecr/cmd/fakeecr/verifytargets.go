package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/fakeecr/ecr/fakeecr"
	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/fakeecr/internal/transcript"
)

// toAWS is the endpoint that means Amazon ECR.
const toAWS = "aws"

// itself is a player of a new fake.
func (v *verification) itself() (*transcript.Player, error) {
	options := []fakeecr.Option{fakeecr.WithRegion(v.region)}
	if v.account != "" {
		options = append(options, fakeecr.WithAccount(v.account))
	}
	r := fakeecr.New(nil, options...)
	return &transcript.Player{Run: randomWord(), Target: transcript.Target{
		Account: r.AccountID(), Region: v.region, OtherRegion: v.second,
		API:         apiURL,
		Registry:    func(region string) string { return registryURL(r.AccountID(), region) },
		Transport:   r.Transport(),
		Credentials: r.Client().Options().Credentials,
		Advance:     r.Advance,
	}}, nil
}

func apiURL(region string) string { return "https://" + naming.APIHost(region) }

func registryURL(account, region string) string {
	return "https://" + naming.RegistryHost(naming.Place{Account: account, Region: region})
}

// others is a player of the registry that the flags name, which has told its account.
func (v *verification) others(ctx context.Context) (*transcript.Player, error) {
	p := &transcript.Player{Run: randomWord(), Fenced: true, Settings: v.settings, Target: transcript.Target{
		Account: v.account, Region: v.region, OtherRegion: v.second, Transport: v.transport, Pause: v.pause,
	}}
	var err error
	if v.endpoint == toAWS {
		err = v.aim(ctx, p)
	} else {
		err = v.aimAt(p)
	}
	if err != nil {
		return nil, err
	}
	if v.v2 != "" {
		at, err := endpointURL(v.v2)
		if err != nil {
			return nil, fmt.Errorf("-v2: %w", err)
		}
		p.Target.Registry = func(string) string { return at }
	}
	account, err := p.WhoseRegistry(ctx)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s: %w", v.endpoint, err)
	case v.account != "" && account != v.account:
		return nil, fmt.Errorf("the registry is that of account %s, and not of %s: nothing was asked of it", account, v.account)
	}
	p.Account = account
	return p, nil
}

// aim makes Amazon ECR the target, by the caller's credentials.
func (v *verification) aim(ctx context.Context, p *transcript.Player) error {
	p.API = apiURL
	p.Target.Registry = func(region string) string { return registryURL(v.account, region) }
	found, err := v.credentials(ctx)
	if err != nil {
		return err
	}
	p.Credentials = found
	return nil
}

// aimAt makes an emulator the target. It knows no credentials: those of the
// environment go nowhere but to AWS.
func (v *verification) aimAt(p *transcript.Player) error {
	at, err := endpointURL(v.endpoint)
	if err != nil {
		return fmt.Errorf("-endpoint: %w", err)
	}
	p.API = func(string) string { return at }
	p.Target.Registry = p.API
	key := v.account
	if key == "" {
		key = "123456789012"
	}
	p.Credentials = credentials.NewStaticCredentialsProvider(key, "fakeecr", "")
	return nil
}

// ofAWS is the hosts of AWS, which only -endpoint aws asks.
var ofAWS = regexp.MustCompile(`(?i)(^|\.)(amazonaws\.[a-z.]+|aws|amazonwebservices\.[a-z.]+|c2s\.ic\.gov|sc2s\.sgov\.gov|adc-e\.uk|hci\.ic\.gov)\.?$`)

func endpointURL(s string) (string, error) {
	at, err := url.Parse(s)
	switch {
	case err != nil:
		return "", err
	case at.Scheme != "http" && at.Scheme != "https" || at.Host == "" || at.User != nil:
		return "", fmt.Errorf("%q is no URL such as http://127.0.0.1:4510", s)
	case strings.Trim(at.Path, "/") != "" || at.RawQuery != "":
		return "", fmt.Errorf("%q has a path: the API is at the root", s)
	case ofAWS.MatchString(at.Hostname()):
		return "", errors.New("this is Amazon ECR, which is asked by -endpoint aws and -account")
	}
	return at.Scheme + "://" + at.Host, nil
}

// credentials are those of the environment, or else of the AWS CLI. Neither asks a
// metadata address.
func (v *verification) credentials(ctx context.Context) (aws.CredentialsProvider, error) {
	key, secret := v.environment("AWS_ACCESS_KEY_ID"), v.environment("AWS_SECRET_ACCESS_KEY")
	if key != "" && secret != "" {
		return credentials.NewStaticCredentialsProvider(key, secret, v.environment("AWS_SESSION_TOKEN")), nil
	}
	var environment []string
	for _, pair := range os.Environ() {
		if !strings.HasPrefix(pair, "AWS_CONTAINER_") {
			environment = append(environment, pair)
		}
	}
	environment = append(environment, "AWS_EC2_METADATA_DISABLED=true")
	text, err := v.run(ctx, environment, "aws", "configure", "export-credentials", "--format", "process")
	if err != nil {
		return nil, fmt.Errorf("no credentials: neither AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are set, nor does aws configure export-credentials know any: %w", err)
	}
	var exported struct {
		AccessKeyID     string `json:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
	}
	if err := json.Unmarshal(text, &exported); err != nil || exported.AccessKeyID == "" || exported.SecretAccessKey == "" {
		return nil, errors.New("aws configure export-credentials answered no credentials")
	}
	return credentials.NewStaticCredentialsProvider(exported.AccessKeyID, exported.SecretAccessKey, exported.SessionToken), nil
}

func runProgram(ctx context.Context, environment []string, name string, args ...string) ([]byte, error) {
	command := exec.CommandContext(ctx, name, args...)
	command.Env, command.Stderr = environment, os.Stderr
	return command.Output()
}

// overSockets carries requests to wherever they go, but to no metadata address: what
// a registry answers may name one.
func overSockets() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, Control: refuseMetadata}
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: dialer.DialContext,
		DisableCompression: true, TLSHandshakeTimeout: 10 * time.Second, IdleConnTimeout: time.Minute,
	}
}

// refuseMetadata refuses the addresses at which machines of AWS answer their
// credentials.
func refuseMetadata(_, address string, _ syscall.RawConn) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := at.Addr().Unmap().WithZone("")
	if ip.IsLinkLocalUnicast() || netip.MustParsePrefix("fd00:ec2::/32").Contains(ip) {
		return fmt.Errorf("%s is a metadata address, which is not asked", ip)
	}
	return nil
}

// pause waits on the machine's clock.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
