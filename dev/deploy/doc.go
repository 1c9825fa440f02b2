// Package deploy holds the tests of what rekey is shipped and run with: the container, Compose,
// the Kubernetes manifests, and the files of a release.
//
// No container engine takes part. The files are read with the libraries of those who run them and
// held to rules, and what a container of ours does is done by the real program in an empty root,
// with the files, settings and command of Compose.
package deploy
