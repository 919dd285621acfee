package registry

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecr"

	"github.com/fakeecr/ecr/fakeecr/internal/naming"
	"github.com/fakeecr/ecr/scenarios"
)

// DownloadPrefix begins the path of every download URL.
const DownloadPrefix = "/starport-layer-bucket/"

const (
	downloadLifetime = time.Hour
	amzTime          = "20060102T150405Z"

	dateParameter      = "&X-Amz-Date="
	signatureParameter = "&X-Amz-Signature="
)

// GetDownloadUrlForLayer answers a URL that is good for an hour and needs no
// credentials, for a layer that an image refers to or that upstream has.
func (tx *Tx) GetDownloadUrlForLayer(ctx context.Context, in *ecr.GetDownloadUrlForLayerInput) (*ecr.GetDownloadUrlForLayerOutput, error) {
	if err := tx.pullLayer(ctx, in); err != nil {
		return nil, err
	}
	repo, _, err := tx.reachable(in.RegistryId, in.RepositoryName, in.LayerDigest)
	if err != nil {
		return nil, err
	}
	return &ecr.GetDownloadUrlForLayerOutput{
		DownloadUrl: aws.String(tx.downloadURL(repo, *in.LayerDigest)),
		LayerDigest: aws.String(*in.LayerDigest),
	}, nil
}

// downloadURL has the shape of a URL that S3 signed. Its path names the layer.
func (tx *Tx) downloadURL(repo *repository, digest string) string {
	const host = "&X-Amz-SignedHeaders=host"
	date := tx.Now().Format(amzTime)
	unsigned := DownloadPrefix + repo.Account + "/" + repo.Region + "/" + repo.name + "/" + digest +
		"?X-Amz-Algorithm=AWS4-HMAC-SHA256" +
		"&X-Amz-Credential=ASIAFAKEECR%2F" + date[:8] + "%2F" + url.QueryEscape(repo.Region) + "%2Fs3%2Faws4_request" +
		dateParameter + date +
		"&X-Amz-Expires=" + strconv.Itoa(int(downloadLifetime/time.Second)) + host
	origin := tx.Downloads
	if origin == "" {
		origin = "https://" + naming.DownloadHost(repo.Region)
	}
	return origin + strings.TrimSuffix(unsigned, host) + signatureParameter + tx.World.sign(unsigned) + host
}

// sign proves that this world, or the one it was forked from, made a URL of a path and
// the other parameters of its query, which is encoded in their order. It sums twice, as
// nobody can go on from the second sum.
func (w *World) sign(unsigned ...string) string {
	text := append(make([]byte, 0, 512), w.secret[:]...)
	for _, piece := range unsigned {
		text = append(text, piece...)
	}
	sum := sha256.Sum256(text)
	sum = sha256.Sum256(sum[:])
	return hex.EncodeToString(sum[:])
}

// signedAt tells whether a URL is one that the world made, and when it was made. It may
// have been written anew since.
func (w *World) signedAt(from *url.URL) (at time.Time, ok bool) {
	query := from.RawQuery
	if !w.hasSigned(from.Path, query) {
		parsed, err := url.ParseQuery(query)
		query = parsed.Encode()
		if err != nil || !w.hasSigned(from.Path, query) {
			return at, false
		}
	}
	_, date, _ := strings.Cut(query, dateParameter)
	date, _, _ = strings.Cut(date, "&")
	at, err := time.Parse(amzTime, date)
	return at, err == nil
}

func (w *World) hasSigned(path, query string) bool {
	before, rest, _ := strings.Cut(query, signatureParameter)
	signature, after, _ := strings.Cut(rest, "&")
	return w.sign(path, "?", before, "&", after) == signature
}

// DownloadError is a refusal by the store behind download URLs, which answers
// as S3 does and not as ECR.
type DownloadError struct {
	Status        int
	Code, Message string
	// RangeRequested is the range that a layer of ActualObjectSize bytes does not
	// have, of the code InvalidRange alone.
	RangeRequested   string
	ActualObjectSize int64
	// ArgumentName and ArgumentValue are what is wrong with the request, of the code
	// InvalidArgument alone.
	ArgumentName, ArgumentValue string
}

func (e *DownloadError) Error() string { return e.Code + ": " + e.Message }

// HTTPStatusCode is the status of the answer.
func (e *DownloadError) HTTPStatusCode() int { return e.Status }

// ParseDownload is the registry and the layer that a download URL is about.
func ParseDownload(path string) (Place, *scenarios.DownloadLayerInput, error) {
	account, rest, _ := strings.Cut(strings.TrimPrefix(path, DownloadPrefix), "/")
	region, rest, _ := strings.Cut(rest, "/")
	slash := strings.LastIndexByte(rest, '/')
	if !strings.HasPrefix(path, DownloadPrefix) || slash < 0 {
		return Place{}, nil, noSuchKey()
	}
	named := struct{ account, repository, digest string }{account, rest[:slash], rest[slash+1:]}
	return Place{Account: account, Region: region}, &scenarios.DownloadLayerInput{
		RegistryId:     &named.account,
		RepositoryName: &named.repository,
		LayerDigest:    &named.digest,
	}, nil
}

func noSuchKey() error {
	return &DownloadError{Status: http.StatusNotFound, Code: "NoSuchKey", Message: "The specified key does not exist."}
}

func signatureDoesNotMatch() error {
	return &DownloadError{Status: http.StatusForbidden, Code: "SignatureDoesNotMatch",
		Message: "The request signature we calculated does not match the signature you provided. Check your key and signing method."}
}

// SecondAuth is how S3 refuses a request of a URL that it signed and that has an
// Authorization header as well.
func SecondAuth(authorization string) error {
	return &DownloadError{Status: http.StatusBadRequest, Code: "InvalidArgument",
		Message:      "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified",
		ArgumentName: "Authorization", ArgumentValue: authorization}
}

// Download is the bytes behind a download URL.
type Download struct {
	Content
	// Range is the one range of bytes that is wanted, in the form bytes=0-99, or ""
	// for all.
	Range string
}

// WriteTo writes what there is from the offset on, without a copy if it is whole in
// memory.
func (d *Download) WriteTo(w io.Writer) (int64, error) { return io.Copy(w, d.Content) }

// DownloadLayer answers the bytes behind a download URL, which is refused if the
// world did not sign it or the clock has passed its hour.
func (tx *Tx) DownloadLayer(_ context.Context, in *scenarios.DownloadLayerInput, from *url.URL) (*Download, error) {
	tx.read()
	switch signed, ok := tx.World.signedAt(from); {
	case !ok:
		return nil, signatureDoesNotMatch()
	case !tx.Now().Before(signed.Add(downloadLifetime)):
		return nil, &DownloadError{Status: http.StatusForbidden, Code: "AccessDenied", Message: "Request has expired"}
	}
	repo, l, err := tx.stored(in.RegistryId, in.RepositoryName, in.LayerDigest)
	if err != nil {
		return nil, noSuchKey()
	}
	if repo.encryption.key != "" {
		if state := tx.keyState(repo.Place, repo.encryption); state != KeyEnabled {
			return nil, undecryptable(state, repo.encryption.key)
		}
	}
	wanted, err := rangeOf(aws.ToString(in.Range), l.size)
	if err != nil {
		return nil, err
	}
	tx.Bytes, tx.Digest = l.size, l.digest
	return &Download{l.open(), wanted}, nil
}

// byteRange is a range from a first byte on, or of the last bytes.
var byteRange = regexp.MustCompile(`^bytes=([0-9]*)-([0-9]*)$`)

// rangeOf is what a Range header wants of a layer. As S3 does, it passes over
// what is no range, over other units than bytes, and over several ranges.
func rangeOf(header string, size int64) (string, error) {
	asked := byteRange.FindStringSubmatch(header)
	if asked == nil || asked[1] == "" && asked[2] == "" {
		return "", nil
	}
	first, _ := strconv.ParseInt(asked[1], 10, 64) // of a number too large, the largest
	last, _ := strconv.ParseInt(asked[2], 10, 64)
	switch {
	case asked[1] == "":
		first, last = size-min(last, size), size-1
	case asked[2] == "":
		last = size - 1
	case last < first:
		return "", nil
	}
	if first >= size {
		return "", &DownloadError{Status: http.StatusRequestedRangeNotSatisfiable, Code: "InvalidRange",
			Message: "The requested range is not satisfiable", RangeRequested: header, ActualObjectSize: size}
	}
	return fmt.Sprintf("bytes=%d-%d", first, min(last, size-1)), nil
}
