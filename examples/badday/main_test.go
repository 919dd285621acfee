package main

func Example() {
	main()
	// Output:
	// the session ended in the middle of a layer: a new token, and the layer from its beginning
	// the image is there already: an earlier attempt came through and its reply did not
	// a layer is damaged: once more
	// pushed and pulled, every byte as it should be
	//
	// What was played, and how often:
	// 6  throttle storm
	// 1  token expires
	// 0  token has expired
	// 0  token from before
	// 1  token renewed
	// 1  lost reply of PutImage
	// 1  corrupt layer sha256:4cae4809507d
	//
	// Every call, in order:
	//  1  CreateRepository        ok
	//  2  InitiateLayerUpload     ok
	//  3  UploadLayerPart         ThrottlingException          throttle storm
	//  4  UploadLayerPart         ok
	//  5  UploadLayerPart         ExpiredTokenException        token expires
	//  6  GetAuthorizationToken   ok                           token renewed
	//  7  InitiateLayerUpload     ThrottlingException          throttle storm
	//  8  InitiateLayerUpload     ok
	//  9  UploadLayerPart         ok
	// 10  UploadLayerPart         ThrottlingException          throttle storm
	// 11  UploadLayerPart         ok
	// 12  CompleteLayerUpload     ok
	// 13  InitiateLayerUpload     ThrottlingException          throttle storm
	// 14  InitiateLayerUpload     ok
	// 15  UploadLayerPart         ok
	// 16  CompleteLayerUpload     ThrottlingException          throttle storm
	// 17  CompleteLayerUpload     ok
	// 18  PutImage                the reply was lost           lost reply of PutImage
	// 19  PutImage                ThrottlingException          throttle storm
	// 20  PutImage                ImageAlreadyExistsException
	// 21  BatchGetImage           ok
	// 22  GetDownloadUrlForLayer  ok
	// 23  DownloadLayer           ok                           corrupt layer sha256:4cae4809507d
	// 24  GetDownloadUrlForLayer  ok
	// 25  DownloadLayer           ok
	// 26  GetDownloadUrlForLayer  ok
	// 27  DownloadLayer           ok
}
