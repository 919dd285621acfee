// Package transcript has statements about Amazon ECR as text that is played: each
// says what ECR does, how that is known, and the calls and answers that show it. The
// same text is documentation, a test of the fake, a test of any other emulator, and a
// question to ECR itself.
//
// The transcripts lie beside this file, one file a section of FIDELITY.md. What calls
// and their answers show is stated here and not in a test in Go as well; such a test
// is for what a statement cannot say: the types of errors, traces, scenarios, calls at
// once, options of the fake, and that what was refused changed nothing.
//
//	# A repository that holds an image is not deleted without force.
//	# recorded: gh:owner/repo#123, 2021-03
//	> CreateRepository {"repositoryName": "$repo"}
//	> push $repo:v1 image1
//	> DeleteRepository {"repositoryName": "$repo"}
//	< 400 RepositoryNotEmptyException "The repository with name '$repo' in registry with id '$account' cannot be deleted because it still contains images"
//
// # The grammar
//
// A line begins with #, > or <. One that begins with a space goes on with the line
// before it.
//
// # begins a transcript at the beginning of a file and after an empty line. That line
// is the claim, which names the test. One of the # lines below it, best the next, is
// the status with its source: "recorded: ", "documented: ", "model: " or "chosen: ".
// All other # lines are prose.
//
// > is a step:
//
//	> Operation {"member": "value"}            a call of the API, as it is on the wire; {} may be left out
//	> GET /v2/$repo/manifests/v1               a request to the registry endpoint: GET, HEAD, PUT, PATCH, POST, DELETE
//	> PUT /v2/$repo/manifests/v1 image1        with a body: made content, a JSON value, or a "text"
//	> Accept: application/json                 a header of the request above; an empty Authorization sends none
//	> GET $url                                 a URL that an answer gave
//	> push $repo:v1 image1                     the calls of a push; without a tag, without; push $repo blob1 is a layer alone
//	> again DescribeImages {…}                 is repeated until the answer fits: 20 times, 3 seconds apart
//	> In eu-west-1 CreateRepository {…}        in another region; $region2 is the one that the player names
//	> wait 24h                                 time passes, also in days (30d); needs a clock that can be moved
//
// < is what is claimed of the answer to the step above. A step without one has to
// succeed, and claims nothing.
//
//	< {"member": "value", ...}                 success, and the body
//	< 201                                      the status
//	< 400 Code "message"                       an error of the API
//	< 400 Code "message" | {"uploadId": "$u"}  with its further members, of which nothing is claimed otherwise
//	< 404 {"errors": [{…}]}                    a status and a JSON body
//	< 401 "Not Authorized\n"                   a status and a text
//	< 200 image1                               a status and the bytes of made content
//	< Location: /v2/$repo/blobs/uploads/$u     a header
//	< no Docker-Content-Digest                 no such header
//
// <? in the place of < is an answer that is chosen, in a transcript of which the rest
// is recorded, documented or the model's.
//
// # Values
//
// Values are JSON. An object, and a list, is exact unless it ends with a bare "...". A
// list with "<any order>" in it is in any order. In the texts of an answer
// "<time>", "<number>", "<uuid>", "<url>", "<caller>" (the ARN of who calls) and
// "<any>" stand for what differs each time; they may be part of a text.
//
// "$name" is the value that the name is bound to; in an answer a name that is not yet
// bound takes the value that came. A text that is nothing but a name has the type of
// its value. "$$" is a dollar. JSON inside of a JSON text, such as a policy, is written
// with its braces doubled, {"policyText": {{"Version": "2012-10-17"}}}: it is sent
// without blanks, and compared as JSON.
//
// # What is bound
//
// $account and $region are the registry's, $region2 is another region. $base begins
// all that a transcript makes: names of repositories, prefixes of rules and templates.
// $repo and $repo2 are names below it. Nothing has been made before the first step,
// and what is made is taken away after the last.
//
// Made content is equal everywhere; there are nine of each. $image1 is the digest of an
// image with a config and a layer, $index1 that of an index of image1 and image2,
// $index2 of image3 and image4, $referrer1 that of an artifact about image1, $blob1
// that of a layer, $absent a digest of nothing. As imageManifest and as layerPartBlob
// they are the content itself. More of them is known by a dot: $image1.size (config and
// layer), $image1.type, $image1.config, $image1.layer (digests), $image1.configSize,
// $image1.layerSize, $image1.manifestSize, and $image1.manifest and $blob1.base64 for
// the content.
//
// # What a transcript needs
//
// A clock, the settings of a registry, the registry endpoint and a second region are
// what its steps need; nothing else says it. A transcript does not know what a registry
// holds: it puts what it asks for, and its lists end with "..." where a registry may
// hold more. Settings are put back as they were.
package transcript
