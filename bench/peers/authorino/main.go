// Authorino's authorization service without a cluster: its own reconciler reads one AuthConfig from a file,
// and its own gRPC service answers, with the interceptors and options of `authorino server`.
//
//	authorino ADDRESS AUTHCONFIG
package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"time"

	envoyauth "github.com/envoyproxy/go-control-plane/envoy/service/auth/v3"
	grpcprometheus "github.com/grpc-ecosystem/go-grpc-prometheus"
	"github.com/kuadrant/authorino/api/v1beta3"
	"github.com/kuadrant/authorino/controllers"
	"github.com/kuadrant/authorino/pkg/evaluators"
	"github.com/kuadrant/authorino/pkg/index"
	"github.com/kuadrant/authorino/pkg/log"
	"github.com/kuadrant/authorino/pkg/service"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/propagation"
	"google.golang.org/grpc"
	"k8s.io/apimachinery/pkg/runtime"
	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/client"
	"sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/yaml"
)

// As `authorino server` has it.
const maxConcurrentStreams = 10_000

func main() {
	if len(os.Args) != 3 {
		fail(fmt.Errorf("say where to listen and what to serve: authorino 127.0.0.1:50051 authconfig.yaml"))
	}
	// At "info", its default, it writes two lines for each check; none of the services compared here does that.
	options := log.Options{Level: log.ToLogLevel("error"), Mode: log.ToLogMode("production")}
	log.SetLogger(log.NewLogger(options).WithName("authorino"), options)
	evaluators.EvaluatorCacheSize = 1
	otel.SetTextMapPropagator(propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}))

	configs := index.NewIndex()
	fail(fill(configs, os.Args[2]))
	fail(serve(configs, os.Args[1]))
}

// fill has Authorino's reconciler translate the AuthConfig; the cluster that it asks holds nothing else.
func fill(configs index.Index, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	config := &v1beta3.AuthConfig{}
	if err := yaml.UnmarshalStrict(text, config); err != nil {
		return err
	}
	scheme := runtime.NewScheme()
	if err := v1beta3.AddToScheme(scheme); err != nil {
		return err
	}
	reconciler := &controllers.AuthConfigReconciler{
		Client:       fake.NewClientBuilder().WithScheme(scheme).WithObjects(config).Build(),
		Logger:       log.WithName("authconfig"),
		Index:        configs,
		StatusReport: controllers.NewStatusReportMap(),
	}
	request := ctrl.Request{NamespacedName: client.ObjectKeyFromObject(config)}
	_, err = reconciler.Reconcile(log.IntoContext(context.Background(), log.WithName("authconfig")), request)
	return err
}

func serve(configs index.Index, address string) error {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := grpc.NewServer(
		grpc.MaxConcurrentStreams(maxConcurrentStreams),
		grpc.ChainStreamInterceptor(grpcprometheus.StreamServerInterceptor),
		grpc.ChainUnaryInterceptor(grpcprometheus.UnaryServerInterceptor),
		grpc.StatsHandler(otelgrpc.NewServerHandler()),
	)
	const noTimeout = time.Duration(0)
	envoyauth.RegisterAuthorizationServer(server, &service.AuthService{Index: configs, Timeout: noTimeout})
	grpcprometheus.Register(server)
	grpcprometheus.EnableHandlingTimeHistogram()
	return server.Serve(listener)
}

func fail(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "authorino:", err)
		os.Exit(1)
	}
}
