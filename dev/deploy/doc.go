// Package deploy holds the tests of rekey's deployment: the container, Compose, the Kubernetes
// manifests, and the files of a release.
//
// No container engine takes part. The libraries of the engines read the files, and rules judge
// them. The real program does the work of a container in an empty root, with the files,
// settings and command of Compose.
package deploy
