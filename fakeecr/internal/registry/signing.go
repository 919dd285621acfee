package registry

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"
	"github.com/aws/aws-sdk-go-v2/service/ecr/types"
	smithy "github.com/aws/smithy-go"

	"github.com/fakeecr/ecr/fakeecr/internal/manifest"
	"github.com/fakeecr/ecr/scenarios"
)

// signingTime is how long after a push its signature is there.
const signingTime = 2 * time.Second

// The media types of a Notary Project signature.
const (
	signatureType    = "application/vnd.cncf.notary.signature"
	signatureContent = "application/jose+json"
	signaturePayload = "application/vnd.cncf.notary.payload.v1+json"
	emptyConfig      = "application/vnd.oci.empty.v1+json"
)

type signingRule struct {
	profile string
	// filters are nil where the rule covers every repository.
	filters []string
}

func (r signingRule) covers(name string) bool {
	return r.filters == nil || slices.ContainsFunc(r.filters, func(filter string) bool { return wildcard(filter, name) })
}

// signingRules are a registry's signing configuration, nil without one.
type signingRules []signingRule

func (s signingRules) output() *types.SigningConfiguration {
	config := &types.SigningConfiguration{Rules: []types.SigningRule{}}
	for _, rule := range s {
		out := types.SigningRule{SigningProfileArn: aws.String(rule.profile)}
		for _, filter := range rule.filters {
			out.RepositoryFilters = append(out.RepositoryFilters, types.SigningRepositoryFilter{
				Filter: aws.String(filter), FilterType: types.SigningRepositoryFilterTypeWildcardMatch,
			})
		}
		config.Rules = append(config.Rules, out)
	}
	return config
}

// PutSigningConfiguration replaces the rules; they count for later pushes.
func (tx *Tx) PutSigningConfiguration(_ context.Context, in *ecr.PutSigningConfigurationInput) (*ecr.PutSigningConfigurationOutput, error) {
	if most := tx.quota(SigningRules); int64(len(in.SigningConfiguration.Rules)) > most {
		return nil, tooManySigningRules(most)
	}
	rules := signingRules{}
	for _, rule := range in.SigningConfiguration.Rules {
		arn := *rule.SigningProfileArn
		if region := strings.Split(arn, ":")[3]; region != tx.Region {
			return nil, signingProfileElsewhere(arn, region, tx.Region)
		}
		kept := signingRule{profile: arn}
		for _, filter := range rule.RepositoryFilters {
			kept.filters = append(kept.filters, *filter.Filter)
		}
		rules = append(rules, kept)
	}
	tx.changeRegistry(tx.Place).signing = rules
	return &ecr.PutSigningConfigurationOutput{SigningConfiguration: rules.output()}, nil
}

// GetSigningConfiguration answers the registry's signing rules.
func (tx *Tx) GetSigningConfiguration(context.Context, *ecr.GetSigningConfigurationInput) (*ecr.GetSigningConfigurationOutput, error) {
	rules := tx.registry(tx.Place).signing
	if rules == nil {
		return nil, signingConfigurationNotFound(tx.Place)
	}
	return &ecr.GetSigningConfigurationOutput{RegistryId: aws.String(tx.Account), SigningConfiguration: rules.output()}, nil
}

// DeleteSigningConfiguration answers the rules that it deletes. Signatures stay,
// and images that are being signed are signed.
func (tx *Tx) DeleteSigningConfiguration(context.Context, *ecr.DeleteSigningConfigurationInput) (*ecr.DeleteSigningConfigurationOutput, error) {
	reg := tx.changeRegistry(tx.Place)
	rules := reg.signing
	if rules == nil {
		return nil, signingConfigurationNotFound(tx.Place)
	}
	reg.signing = nil
	return &ecr.DeleteSigningConfigurationOutput{RegistryId: aws.String(tx.Account), SigningConfiguration: rules.output()}, nil
}

// signing is the state of an image's signing by one rule. A published record never
// changes.
type signing struct {
	// rule counts the configuration's rules from 1: several may have one profile.
	rule    int
	profile string
	status  types.SigningStatus
	// failure is nil unless the status is FAILED.
	failure smithy.APIError
}

// DescribeImageSigningStatus answers a status for each profile with which the image
// was signed when it was pushed.
func (tx *Tx) DescribeImageSigningStatus(_ context.Context, in *ecr.DescribeImageSigningStatusInput) (*ecr.DescribeImageSigningStatusOutput, error) {
	repo, err := tx.repository(in.RegistryId, in.RepositoryName)
	if err != nil {
		return nil, err
	}
	img, err := repo.one(*in.ImageId)
	if err != nil {
		return nil, err
	}
	out := &ecr.DescribeImageSigningStatusOutput{
		ImageId:         imageID(img.digest, in.ImageId.ImageTag),
		RegistryId:      aws.String(repo.Account),
		RepositoryName:  aws.String(repo.name),
		SigningStatuses: []types.ImageSigningStatus{},
	}
	for _, s := range byProfile(img.signings) {
		status := types.ImageSigningStatus{SigningProfileArn: aws.String(s.profile), Status: s.status}
		if s.failure != nil {
			status.FailureCode, status.FailureReason = aws.String(s.failure.ErrorCode()), aws.String(s.failure.ErrorMessage())
		}
		out.SigningStatuses = append(out.SigningStatuses, status)
	}
	return out, nil
}

// byProfile is the first signing of each profile, or one in progress or else a failed
// one in its place.
func byProfile(all []*signing) (profiles []*signing) {
	ranks := []types.SigningStatus{types.SigningStatusComplete, types.SigningStatusFailed, types.SigningStatusInProgress}
	for _, s := range all {
		at := slices.IndexFunc(profiles, func(other *signing) bool { return other.profile == s.profile })
		switch {
		case at < 0:
			profiles = append(profiles, s)
		case slices.Index(ranks, s.status) > slices.Index(ranks, profiles[at].status):
			profiles[at] = s
		}
	}
	return profiles
}

// FailSigning makes signing with a profile fail in a registry from now on; nil
// lets it succeed again.
func (w *World) FailSigning(place Place, profile string, failure smithy.APIError) {
	_ = w.do(place, func(tx *Tx) error {
		reg := tx.changeRegistry(place)
		if failure == nil {
			reg.signingFailures.Delete(reg.generation, profile)
		} else {
			reg.signingFailures.Set(reg.generation, profile, failure)
		}
		return nil
	})
}

// pusher is who pushed an image, by the registry that it called and its ARN. What
// comes from upstream ECR's own role pushed, a replica nobody.
type pusher struct {
	Place
	arn string
}

// pushActions are what a pusher must be allowed to do with the repository for its
// image to be signed.
var pushActions = []string{
	"ecr:BatchCheckLayerAvailability", "ecr:InitiateLayerUpload", "ecr:UploadLayerPart", "ecr:CompleteLayerUpload", "ecr:PutImage",
}

// signOnPush begins to sign a new image, once for each of the registry's rules that
// covers the repository. Signatures are not signed.
func (tx *Tx) signOnPush(repo *repository, digest string, by pusher) {
	rules := tx.registry(repo.Place).signing
	img, _ := repo.images.Get(digest)
	if len(rules) == 0 || img.artifactType == signatureType {
		return
	}
	signed := *img
	for i, rule := range rules {
		if !rule.covers(repo.name) {
			continue
		}
		s := &signing{rule: i + 1, profile: rule.profile, status: types.SigningStatusInProgress}
		signed.signings = append(signed.signings, s)
		tx.Schedule(tx.Now().Add(signingTime), signingCompletion{repo.Place, repo.name, digest, s, by})
	}
	repo.images.Set(repo.generation, digest, &signed)
}

type signingCompletion struct {
	registry           Place
	repository, digest string
	// signing is the one that was begun: the image may have been deleted and
	// pushed again.
	signing *signing
	pusher  pusher
}

func (e signingCompletion) call(tx *Tx) *scenarios.Call {
	img := tx.imageOf(e.registry, e.repository, e.digest)
	if img == nil || !slices.Contains(img.signings, e.signing) {
		return nil
	}
	return eventCall(e.registry, e.repository, scenarios.SignImage, &scenarios.SignImageInput{
		RegistryId: aws.String(e.registry.Account), RepositoryName: aws.String(e.repository),
		ImageDigest: aws.String(e.digest), ImageTags: slices.Clone(img.tags), SigningProfileArn: aws.String(e.signing.profile),
	})
}

func (e signingCompletion) happen(tx *Tx) (any, error) {
	repo, img := tx.changeImageOf(e.registry, e.repository, e.digest)
	err := tx.Attempt(func() error { return tx.sign(tx.copyForChange(repo), img, e.signing, e.pusher) })
	e.end(tx, err)
	return nil, err
}

func (e signingCompletion) fail(tx *Tx, failure error) { e.end(tx, failure) }

// end notes on the image how its signing went.
func (e signingCompletion) end(tx *Tx, err error) {
	ended := &signing{rule: e.signing.rule, profile: e.signing.profile, status: types.SigningStatusComplete}
	if err != nil {
		ended.status = types.SigningStatusFailed
		if !errors.As(err, &ended.failure) {
			ended.failure = &smithy.GenericAPIError{Code: "ServerException", Message: err.Error()}
		}
	}
	repo, img := tx.changeImageOf(e.registry, e.repository, e.digest)
	signed := *img
	signed.signings = slices.Clone(img.signings)
	signed.signings[slices.Index(img.signings, e.signing)] = ended
	repo.images.Set(repo.generation, img.digest, &signed)
}

// sign pushes the signature of an image, which is an image that refers to it and
// is replicated as any other.
func (tx *Tx) sign(repo *repository, img *image, with *signing, by pusher) error {
	if failure, told := tx.registry(repo.Place).signingFailures.Get(with.profile); told {
		return failure
	}
	if err := tx.maySign(repo, with.profile, by); err != nil {
		return err
	}
	subject := signedDescriptor{img.mediaType, img.digest, len(img.manifest)}
	envelope, err := tx.signature(subject, with)
	if err != nil {
		return err
	}
	text, err := json.Marshal(signatureManifest{
		SchemaVersion: 2,
		MediaType:     manifest.OCIManifest,
		ArtifactType:  signatureType,
		Config:        tx.addContent(repo, emptyConfig, []byte("{}")),
		Layers:        []signedDescriptor{tx.addContent(repo, signatureContent, envelope)},
		Subject:       subject,
		Annotations:   map[string]string{"org.opencontainers.image.created": tx.Now().Format(time.RFC3339)},
	})
	if err != nil {
		return err
	}
	document, err := manifest.Parse(string(text), manifest.OCIManifest, manifest.ECR)
	if err != nil {
		return err
	}
	digest := manifest.Digest(string(text))
	if err := tx.push(repo, digest, string(text), document, nil); err != nil {
		return err
	}
	tx.replicateLater(repo, digest, nil)
	return nil
}

// maySign tells why an image may not be signed as its pusher, whose identity ECR
// takes on for it.
func (tx *Tx) maySign(repo *repository, profile string, by pusher) error {
	if by.arn == "" {
		return nil
	}
	as := tx.as(by.Place, by.arn)
	for _, action := range pushActions {
		if err := as.Authorize(Access{Action: action, Resource: repo.arn, Registry: repo.Place, Repository: repo.name}); err != nil {
			return err
		}
	}
	account := strings.Split(profile, ":")[4]
	payload := Access{Action: "signer:SignPayload", Resource: profile, Registry: Place{Account: account, Region: repo.Region}}
	if by.arn == cacheRole(by.Place) {
		// Its policy, which is AWS's own, lacks the permission.
		return payload.notAllowed(by.arn, "identity-based")
	}
	return as.authorizeElsewhere(payload)
}

type signatureManifest struct {
	SchemaVersion int                `json:"schemaVersion"`
	MediaType     string             `json:"mediaType"`
	ArtifactType  string             `json:"artifactType"`
	Config        signedDescriptor   `json:"config"`
	Layers        []signedDescriptor `json:"layers"`
	Subject       signedDescriptor   `json:"subject"`
	Annotations   map[string]string  `json:"annotations"`
}

type signedDescriptor struct {
	MediaType string `json:"mediaType"`
	Digest    string `json:"digest"`
	Size      int    `json:"size"`
}

// addContent puts bytes into a repository as a layer.
func (tx *Tx) addContent(repo *repository, mediaType string, content []byte) signedDescriptor {
	digest := manifest.Digest(string(content))
	tx.addLayer(repo, digest, int64(len(content)), [][]byte{content})
	return signedDescriptor{mediaType, digest, len(content)}
}

// signature is a JSON Web Signature in the form of the Notary Project's, but made
// with the world's secret, as there is no certificate to sign with. The rule is in
// it because two signatures of one image are never the same.
func (tx *Tx) signature(of signedDescriptor, with *signing) ([]byte, error) {
	payload, err := segment(map[string]any{"targetArtifact": of})
	if err != nil {
		return nil, err
	}
	protected, err := segment(map[string]any{
		"alg":                        "HS256",
		"cty":                        signaturePayload,
		"kid":                        with.profile,
		"fakeecr.rule":               with.rule,
		"io.cncf.notary.signingTime": tx.Now().Format(time.RFC3339),
	})
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"payload":   payload,
		"protected": protected,
		"header":    map[string]string{"io.cncf.notary.signingAgent": "fakeecr"},
		"signature": base64.RawURLEncoding.EncodeToString(tx.World.seal([]byte(protected + "." + payload))),
	})
}

// segment is a part of a JSON Web Signature.
func segment(v any) (string, error) {
	text, err := json.Marshal(v)
	return base64.RawURLEncoding.EncodeToString(text), err
}

// signingConfigurationNotFound is chosen.
func signingConfigurationNotFound(place Place) error {
	return &types.SigningConfigurationNotFoundException{Message: text("Signing configuration does not exist in the registry with id '%s'", place.Account)}
}

func signingProfileElsewhere(arn, region, current string) error {
	return invalidParameter("signingProfileArn", fmt.Sprintf("The region of signing profile ARN '%s' is '%s' but must be '%s' (the current region)", arn, region, current))
}

// tooManySigningRules is what the service model answers to more than ten.
func tooManySigningRules(most int64) error {
	return invalidParameter("signingConfiguration.rules", fmt.Sprintf("Member must have length less than or equal to %d", most))
}
