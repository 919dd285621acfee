package scenarios

import "time"

// The operations of [Identity], of other services than ECR.
const (
	// GetCallerIdentity is STS's, and says who calls. It needs no permission.
	GetCallerIdentity = "GetCallerIdentity"
	// AssumeRole is STS's, and gives out credentials of a role for a time.
	AssumeRole = "AssumeRole"
	// AssumeRoleWithWebIdentity is STS's, and does so for whoever has a web identity
	// token, as a job of GitHub Actions or a pod has. Nobody calls it: it is not signed.
	AssumeRoleWithWebIdentity = "AssumeRoleWithWebIdentity"
	// GetPublicAuthorizationToken is the GetAuthorizationToken of ECR Public, which login
	// tools ask beside that of ECR.
	GetPublicAuthorizationToken = "GetPublicAuthorizationToken"
)

// GetCallerIdentityInput is empty, as there is nothing to ask for.
type GetCallerIdentityInput struct{}

// GetCallerIdentityOutput says who calls.
type GetCallerIdentityOutput struct {
	UserId  *string
	Account *string
	Arn     *string
}

// AssumeRoleInput says which role an [AssumeRole] is for, and how its session is to be.
type AssumeRoleInput struct {
	RoleArn         *string
	RoleSessionName *string
	DurationSeconds *int32
	// Policy narrows what the session may.
	Policy         *string
	ExternalId     *string
	SourceIdentity *string
}

// AssumeRoleOutput is the session of an [AssumeRole].
type AssumeRoleOutput struct {
	Credentials     *SessionCredentials
	AssumedRoleUser *AssumedRoleUser
	SourceIdentity  *string
}

// AssumeRoleWithWebIdentityInput says which role an [AssumeRoleWithWebIdentity] is for.
// It is without the web identity token: that may be a real one, which no trace is to
// show.
type AssumeRoleWithWebIdentityInput struct {
	RoleArn         *string
	RoleSessionName *string
	DurationSeconds *int32
	// Policy narrows what the session may.
	Policy     *string
	ProviderId *string
}

// AssumeRoleWithWebIdentityOutput is the session of an [AssumeRoleWithWebIdentity].
// What the token does not say is nil.
type AssumeRoleWithWebIdentityOutput struct {
	Credentials                 *SessionCredentials
	AssumedRoleUser             *AssumedRoleUser
	SubjectFromWebIdentityToken *string
	Provider                    *string
	Audience                    *string
}

// SessionCredentials are the keys of a role's session.
type SessionCredentials struct {
	AccessKeyId     *string
	SecretAccessKey *string
	SessionToken    *string
	Expiration      *time.Time
}

// AssumedRoleUser is the principal that a role's session is.
type AssumedRoleUser struct {
	AssumedRoleId *string
	Arn           *string
}

// GetPublicAuthorizationTokenInput is empty, as there is nothing to ask for.
type GetPublicAuthorizationTokenInput struct{}

// GetPublicAuthorizationTokenOutput is a token for public.ecr.aws.
type GetPublicAuthorizationTokenOutput struct {
	AuthorizationData *PublicAuthorizationData
}

// PublicAuthorizationData is a token of ECR Public, and when it ends.
type PublicAuthorizationData struct {
	AuthorizationToken *string
	ExpiresAt          *time.Time
}
