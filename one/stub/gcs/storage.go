// Package storage has Google's names in Temporal's archiver, and no client that works.
package storage

import (
	"context"
	"errors"
	"io"
)

var errStub = errors.New("this build has no Google Cloud Storage")

const ScopeFullControl = "https://www.googleapis.com/auth/devstorage.full_control"

type (
	Client       struct{}
	BucketHandle struct{}
	ObjectHandle struct{}
	Query        struct{ Prefix string }
	BucketAttrs  struct{}
	ObjectAttrs  struct{ Name string }
	Iterator     struct{}
	Reader       struct{ io.ReadCloser }
	Writer       struct{ *io.PipeWriter }
)

var (
	ErrBucketNotExist = errStub
	ErrObjectNotExist = errStub
)

// NewClient ends the process: a test of the suite that calls it fails.
func NewClient(context.Context, ...any) (*Client, error) { panic(errStub) }

func (*Client) Bucket(string) *BucketHandle                       { return nil }
func (*BucketHandle) Object(string) *ObjectHandle                 { return nil }
func (*BucketHandle) Objects(context.Context, *Query) *Iterator   { return nil }
func (*BucketHandle) Attrs(context.Context) (*BucketAttrs, error) { return nil, errStub }
func (*ObjectHandle) NewWriter(context.Context) *Writer           { return nil }
func (*ObjectHandle) NewReader(context.Context) (*Reader, error)  { return nil, errStub }
func (*ObjectHandle) Attrs(context.Context) (*ObjectAttrs, error) { return nil, errStub }
func (*Iterator) Next() (*ObjectAttrs, error)                     { return nil, errStub }
