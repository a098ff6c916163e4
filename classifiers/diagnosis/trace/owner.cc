#include "classifiers/diagnosis/trace/owner.h"

#include "classifiers/diagnosis/trace/languages.h"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_map>
#include <utility>

namespace medic {
namespace {

using Entry = std::pair<std::string_view, FrameOwner>;

// Longest matching prefix wins.
constexpr Entry entries[] = {
    Entry{"java.", FrameOwner::jdk},
    Entry{"javax.", FrameOwner::jdk},
    Entry{"jdk.", FrameOwner::jdk},
    Entry{"sun.", FrameOwner::jdk},
    Entry{"com.sun.", FrameOwner::jdk},
    Entry{"jrockit.", FrameOwner::jdk},
    Entry{"std::", FrameOwner::jdk},
    Entry{"__gnu_cxx::", FrameOwner::jdk},

    Entry{"org.apache.flink.", FrameOwner::flink},
    Entry{"org.apache.flink.connector.", FrameOwner::connector},
    Entry{"org.apache.flink.connectors.", FrameOwner::connector},
    Entry{"org.apache.flink.streaming.connectors.", FrameOwner::connector},
    Entry{"org.apache.flink.batch.connectors.", FrameOwner::connector},
    Entry{"org.apache.flink.connector.base.", FrameOwner::connector},
    Entry{"org.apache.flink.connector.kafka.", FrameOwner::connector},
    Entry{"org.apache.flink.formats.", FrameOwner::connector},
    Entry{"org.apache.flink.cdc.", FrameOwner::connector},
    Entry{"org.apache.flink.orc.", FrameOwner::connector},
    Entry{"org.apache.flink.hcatalog.", FrameOwner::connector},
    Entry{"org.apache.flink.table.catalog.hive.", FrameOwner::connector},
    Entry{"org.apache.flink.table.functions.hive.", FrameOwner::connector},
    Entry{"org.apache.flink.table.module.hive.", FrameOwner::connector},
    Entry{"org.apache.flink.table.endpoint.hive.", FrameOwner::connector},
    Entry{"org.apache.flink.api.java.io.jdbc.", FrameOwner::connector},
    Entry{"org.apache.flink.addons.hbase.", FrameOwner::connector},
    Entry{"org.apache.flink.lakesoul.", FrameOwner::connector},
    Entry{"org.apache.flink.statefun.examples.", FrameOwner::user},
    Entry{"org.apache.flink.table.examples.", FrameOwner::user},
    Entry{"org.apache.flink.table.planner.delegation.hive.", FrameOwner::connector},
    Entry{"org.apache.flink.streaming.examples.", FrameOwner::user},
    Entry{"org.apache.flink.examples.", FrameOwner::user},
    Entry{"org.apache.flink.training.", FrameOwner::user},
    Entry{"org.apache.flink.walkthrough.", FrameOwner::user},
    Entry{"org.apache.flink.playgrounds.", FrameOwner::user},
    Entry{"org.apache.flink.quickstart.", FrameOwner::user},
    Entry{"org.apache.flink.shaded.", FrameOwner::library},
    Entry{"org.apache.flink.util.", FrameOwner::library},  // Checks and helpers: whoever calls them decides.
    Entry{"org.apache.flink.kafka.shaded.", FrameOwner::kafka},
    Entry{"org.apache.flink.table.store.", FrameOwner::connector},
    Entry{"org.apache.flink.calcite.", FrameOwner::library},
    Entry{"org.apache.flink.mongodb.shaded.", FrameOwner::library},
    Entry{"medic::engine::flow::", FrameOwner::flink},
    Entry{"com.ververica.cdc.", FrameOwner::connector},
    Entry{"com.alibaba.ververica.", FrameOwner::connector},
    Entry{"com.ververica.connectors.", FrameOwner::connector},
    Entry{"com.ververica.statefun.flink.", FrameOwner::flink},
    Entry{"org.apache.fluss.", FrameOwner::connector},
    Entry{"com.alibaba.fluss.", FrameOwner::connector},
    Entry{"org.apache.amoro.", FrameOwner::connector},
    Entry{"com.netease.arctic.", FrameOwner::connector},
    Entry{"com.netease.amoro.", FrameOwner::connector},
    Entry{"org.apache.inlong.sort.", FrameOwner::connector},
    Entry{"org.apache.gravitino.flink.", FrameOwner::connector},
    Entry{"com.oceanbase.connector.", FrameOwner::connector},
    Entry{"com.getindata.connectors.", FrameOwner::connector},
    Entry{"software.amazon.kinesis.connectors.", FrameOwner::connector},
    Entry{"com.alibaba.hologres.", FrameOwner::connector},
    Entry{"com.dmetasoul.", FrameOwner::connector},
    Entry{"io.streamnative.", FrameOwner::connector},
    Entry{"org.tikv.", FrameOwner::library},
    Entry{"org.apache.beam.", FrameOwner::connector},  // A framework that runs its own jobs on the engine.
    Entry{"org.apache.hop.", FrameOwner::connector},
    Entry{"org.apache.zeppelin.", FrameOwner::connector},
    Entry{"pl.touk.nussknacker.", FrameOwner::connector},
    Entry{"io.pravega.", FrameOwner::connector},
    Entry{"org.apache.bahir.", FrameOwner::connector},
    Entry{"org.apache.linkis.", FrameOwner::connector},
    Entry{"com.bytedance.bitsail.", FrameOwner::connector},
    Entry{"com.alibaba.alink.", FrameOwner::connector},
    Entry{"org.apache.sedona.", FrameOwner::library},
    Entry{"org.dinky.", FrameOwner::connector},
    Entry{"com.dlink.", FrameOwner::connector},
    Entry{"org.apache.streampark.", FrameOwner::connector},

    Entry{"org.apache.kafka.", FrameOwner::kafka},
    Entry{"kafka.", FrameOwner::kafka},
    Entry{"Confluent.", FrameOwner::kafka},
    Entry{"io.confluent.ksql.", FrameOwner::kafka},
    Entry{"System.", FrameOwner::jdk},
    Entry{"Microsoft.", FrameOwner::jdk},
    Entry{"MassTransit.", FrameOwner::library},
    Entry{"DotNetCore.CAP.", FrameOwner::library},
    Entry{"KafkaFlow.", FrameOwner::library},
    Entry{"Streamiz.", FrameOwner::library},
    Entry{"Newtonsoft.", FrameOwner::library},
    Entry{"Autofac.", FrameOwner::library},
    Entry{"Serilog.", FrameOwner::library},
    Entry{"Chr.Avro.", FrameOwner::library},
    Entry{"Avro.", FrameOwner::library},
    Entry{"NServiceBus.", FrameOwner::library},
    Entry{"Rebus.", FrameOwner::library},
    Entry{"Wolverine.", FrameOwner::library},
    Entry{"Silverback.", FrameOwner::library},
    Entry{"Steeltoe.", FrameOwner::library},
    Entry{"OpenTelemetry.", FrameOwner::library},
    Entry{"Grpc.", FrameOwner::library},
    Entry{"Polly.", FrameOwner::library},
    Entry{"Castle.", FrameOwner::library},
    Entry{"MediatR.", FrameOwner::library},
    Entry{"Elastic.Apm.", FrameOwner::library},
    Entry{"Datadog.Trace.", FrameOwner::library},
    Entry{"ProtoBuf.", FrameOwner::library},
    Entry{"Google.Protobuf.", FrameOwner::library},
    Entry{"storm.", FrameOwner::library},
    Entry{"org.apache.rocketmq.flink.", FrameOwner::connector},
    Entry{"com.amazonaws.services.schemaregistry.", FrameOwner::connector},
    Entry{"com.ibm.mqconnect.", FrameOwner::connector},
    Entry{"org.reflections.", FrameOwner::library},
    Entry{"cascading.", FrameOwner::connector},
    Entry{"com.dataartisans.", FrameOwner::connector},
    Entry{"io.quarkus.", FrameOwner::library},
    Entry{"io.smallrye.", FrameOwner::library},
    Entry{"io.micronaut.", FrameOwner::library},
    Entry{"io.strimzi.", FrameOwner::library},
    Entry{"dev.knative.", FrameOwner::library},
    Entry{"com.linecorp.decaton.", FrameOwner::library},
    Entry{"org.akhq.", FrameOwner::library},
    Entry{"com.provectus.", FrameOwner::library},
    Entry{"io.kafbat.", FrameOwner::library},
    Entry{"io.conduktor.", FrameOwner::library},
    Entry{"org.axonframework.", FrameOwner::library},
    Entry{"io.eventuate.", FrameOwner::library},
    Entry{"com.hazelcast.", FrameOwner::library},
    Entry{"io.ktor.", FrameOwner::library},
    Entry{"io.helidon.", FrameOwner::library},
    Entry{"io.dapr.", FrameOwner::library},
    Entry{"io.cloudevents.", FrameOwner::library},
    Entry{"io.apicurio.", FrameOwner::library},
    Entry{"io.camunda.", FrameOwner::library},
    Entry{"io.zeebe.", FrameOwner::library},
    Entry{"net.mguenther.", FrameOwner::library},
    Entry{"org.wildfly.", FrameOwner::library},
    Entry{"com.linkedin.", FrameOwner::library},
    Entry{"com.networknt.", FrameOwner::library},
    Entry{"io.kcache.", FrameOwner::library},
    Entry{"io.axual.", FrameOwner::library},
    Entry{"io.projectreactor.", FrameOwner::library},
    Entry{"org.apache.pekko.", FrameOwner::library},
    Entry{"kafka.examples.", FrameOwner::user},
    Entry{"org.apache.kafka.connect.", FrameOwner::connect},
    Entry{"org.apache.kafka.connect.transforms.", FrameOwner::connector},
    Entry{"org.apache.kafka.connect.json.", FrameOwner::connector},
    Entry{"org.apache.kafka.connect.converters.", FrameOwner::connector},
    Entry{"org.apache.kafka.connect.mirror.", FrameOwner::connector},
    Entry{"org.apache.kafka.connect.file.", FrameOwner::connector},
    Entry{"org.apache.kafka.connect.data.",
          FrameOwner::library},  // The interface's values: whoever fills them decides.
    Entry{"org.apache.kafka.connect.storage.", FrameOwner::library},
    Entry{"medic::engine::broker::", FrameOwner::kafka},
    Entry{"medic::engine::connect::", FrameOwner::connect},
    Entry{"medic::engine::connectors::", FrameOwner::connector},

    Entry{"io.confluent.connect.", FrameOwner::connector},
    Entry{"io.confluent.kafka.connect.", FrameOwner::connector},
    Entry{"io.debezium.", FrameOwner::connector},
    Entry{"com.mongodb.kafka.", FrameOwner::connector},
    Entry{"io.aiven.", FrameOwner::connector},
    Entry{"com.github.jcustenborder.", FrameOwner::connector},
    Entry{"com.snowflake.kafka.", FrameOwner::connector},
    Entry{"com.wepay.kafka.", FrameOwner::connector},
    Entry{"com.datamountaineer.", FrameOwner::connector},
    Entry{"io.lenses.", FrameOwner::connector},
    Entry{"com.clickhouse.kafka.", FrameOwner::connector},
    Entry{"com.couchbase.connect.", FrameOwner::connector},
    Entry{"com.splunk.kafka.", FrameOwner::connector},
    Entry{"org.apache.camel.kafkaconnector.", FrameOwner::connector},
    Entry{"com.ibm.eventstreams.connect.", FrameOwner::connector},
    Entry{"com.google.pubsub.kafka.", FrameOwner::connector},
    Entry{"com.starrocks.connector.", FrameOwner::connector},
    Entry{"com.redis.kafka.", FrameOwner::connector},
    Entry{"org.apache.doris.flink.", FrameOwner::connector},
    Entry{"org.apache.doris.kafka.", FrameOwner::connector},
    Entry{"com.starrocks.data.", FrameOwner::connector},
    Entry{"org.apache.hudi.sink.", FrameOwner::connector},
    Entry{"org.apache.hudi.", FrameOwner::connector},
    Entry{"org.apache.iceberg.", FrameOwner::connector},
    Entry{"org.apache.paimon.", FrameOwner::connector},
    Entry{"io.tabular.iceberg.", FrameOwner::connector},
    Entry{"com.dtstack.", FrameOwner::connector},
    Entry{"org.apache.seatunnel.", FrameOwner::connector},
    Entry{"com.databricks.", FrameOwner::connector},
    Entry{"io.delta.", FrameOwner::connector},
    Entry{"org.apache.pulsar.", FrameOwner::connector},
    Entry{"com.azure.cosmos.kafka.", FrameOwner::connector},
    Entry{"com.microsoft.azure.cosmosdb.kafka.", FrameOwner::connector},
    Entry{"com.salesforce.mirus.", FrameOwner::connector},
    Entry{"streams.kafka.connect.", FrameOwner::connector},
    Entry{"com.amazon.deequ.", FrameOwner::library},
    Entry{"io.streamthoughts.", FrameOwner::connector},
    Entry{"com.landoop.", FrameOwner::connector},
    Entry{"io.trino.kafka.", FrameOwner::connector},
    Entry{"oracle.kafka.connect.", FrameOwner::connector},
    Entry{"com.singlestore.kafka.", FrameOwner::connector},
    Entry{"software.amazon.event.kafkaconnector.", FrameOwner::connector},
    Entry{"com.sap.kafka.", FrameOwner::connector},
    Entry{"org.neo4j.connectors.kafka.", FrameOwner::connector},
    Entry{"io.confluent.influxdb.", FrameOwner::connector},
    Entry{"io.confluent.salesforce.", FrameOwner::connector},
    Entry{"com.microsoft.azure.kusto.kafka.", FrameOwner::connector},
    Entry{"com.google.cloud.kafka.connect.", FrameOwner::connector},
    Entry{"com.datastax.oss.kafka.", FrameOwner::connector},
    Entry{"com.datastax.kafkaconnector.", FrameOwner::connector},
    Entry{"org.apache.plc4x.kafka.", FrameOwner::connector},
    Entry{"org.apache.ignite.stream.kafka.", FrameOwner::connector},
    Entry{"org.apache.geode.kafka.", FrameOwner::connector},
    Entry{"org.apache.nifi.kafka.connect.", FrameOwner::connector},

    Entry{"scala.", FrameOwner::library},
    Entry{"kotlin.", FrameOwner::library},
    Entry{"kotlinx.", FrameOwner::library},
    Entry{"akka.", FrameOwner::library},
    Entry{"org.apache.", FrameOwner::library},
    Entry{"com.google.", FrameOwner::library},
    Entry{"com.fasterxml.", FrameOwner::library},
    Entry{"org.codehaus.", FrameOwner::library},
    Entry{"org.slf4j.", FrameOwner::library},
    Entry{"ch.qos.", FrameOwner::library},
    Entry{"org.postgresql.", FrameOwner::library},
    Entry{"com.mysql.", FrameOwner::library},
    Entry{"org.mariadb.", FrameOwner::library},
    Entry{"oracle.", FrameOwner::library},
    Entry{"com.microsoft.", FrameOwner::library},
    Entry{"com.ibm.", FrameOwner::library},
    Entry{"net.snowflake.", FrameOwner::library},
    Entry{"io.netty.", FrameOwner::library},
    Entry{"org.rocksdb.", FrameOwner::library},
    Entry{"com.amazonaws.", FrameOwner::library},
    Entry{"software.amazon.", FrameOwner::library},
    Entry{"com.azure.", FrameOwner::library},
    Entry{"org.elasticsearch.", FrameOwner::library},
    Entry{"org.opensearch.", FrameOwner::library},
    Entry{"co.elastic.", FrameOwner::library},
    Entry{"com.mongodb.", FrameOwner::library},
    Entry{"org.bson.", FrameOwner::library},
    Entry{"redis.clients.", FrameOwner::library},
    Entry{"io.lettuce.", FrameOwner::library},
    Entry{"org.springframework.", FrameOwner::library},
    Entry{"org.hibernate.", FrameOwner::library},
    Entry{"org.eclipse.", FrameOwner::library},
    Entry{"org.glassfish.", FrameOwner::library},
    Entry{"org.jboss.", FrameOwner::library},
    Entry{"org.xerial.", FrameOwner::library},
    Entry{"net.jpountz.", FrameOwner::library},
    Entry{"com.github.luben.", FrameOwner::library},
    Entry{"org.mortbay.", FrameOwner::library},
    Entry{"com.esotericsoftware.", FrameOwner::library},
    Entry{"com.twitter.", FrameOwner::library},
    Entry{"org.I0Itec.", FrameOwner::library},
    Entry{"com.yammer.", FrameOwner::library},
    Entry{"com.codahale.", FrameOwner::library},
    Entry{"io.confluent.", FrameOwner::library},
    Entry{"io.prometheus.", FrameOwner::library},
    Entry{"io.grpc.", FrameOwner::library},
    Entry{"okhttp3.", FrameOwner::library},
    Entry{"okio.", FrameOwner::library},
    Entry{"retrofit2.", FrameOwner::library},
    Entry{"net.sf.", FrameOwner::library},
    Entry{"net.sourceforge.", FrameOwner::library},
    Entry{"com.zaxxer.", FrameOwner::library},
    Entry{"com.alibaba.", FrameOwner::library},
    Entry{"com.jcraft.", FrameOwner::library},
    Entry{"net.schmizz.", FrameOwner::library},
    Entry{"org.json.", FrameOwner::library},
    Entry{"org.everit.", FrameOwner::library},
    Entry{"com.jayway.", FrameOwner::library},
    Entry{"com.typesafe.", FrameOwner::library},
    Entry{"com.mongodb.client.", FrameOwner::library},
    Entry{"org.joda.", FrameOwner::library},
    Entry{"org.yaml.", FrameOwner::library},
    Entry{"org.snakeyaml.", FrameOwner::library},
    Entry{"org.janino.", FrameOwner::library},
    Entry{"org.testcontainers.", FrameOwner::library},
    Entry{"org.junit.", FrameOwner::library},
    Entry{"junit.", FrameOwner::library},
    Entry{"com.intellij.", FrameOwner::library},
    Entry{"org.gradle.", FrameOwner::library},
    Entry{"org.scalatest.", FrameOwner::library},
    Entry{"reactor.", FrameOwner::library},
    Entry{"rx.", FrameOwner::library},
    Entry{"io.reactivex.", FrameOwner::library},
    Entry{"groovy.", FrameOwner::library},
    Entry{"clojure.", FrameOwner::library},
    Entry{"com.datastax.", FrameOwner::library},
    Entry{"com.couchbase.", FrameOwner::library},
    Entry{"com.rabbitmq.", FrameOwner::library},
    Entry{"com.solacesystems.", FrameOwner::library},
    Entry{"com.tibco.", FrameOwner::library},
    Entry{"com.vertica.", FrameOwner::library},
    Entry{"com.sap.", FrameOwner::library},
    Entry{"ru.yandex.", FrameOwner::library},
    Entry{"com.clickhouse.", FrameOwner::library},
    Entry{"io.micrometer.", FrameOwner::library},
    Entry{"io.opentelemetry.", FrameOwner::library},
    Entry{"org.influxdb.", FrameOwner::library},
    Entry{"com.influxdb.", FrameOwner::library},
    Entry{"net.razorvine.", FrameOwner::library},
    Entry{"org.neo4j.", FrameOwner::library},
    Entry{"com.unboundid.", FrameOwner::library},
    Entry{"org.bouncycastle.", FrameOwner::library},
    Entry{"io.fabric8.", FrameOwner::library},
    Entry{"io.kubernetes.", FrameOwner::library},
    Entry{"com.squareup.", FrameOwner::library},
    Entry{"org.antlr.", FrameOwner::library},
    Entry{"org.mvel2.", FrameOwner::library},
    Entry{"pemja.", FrameOwner::library},
    Entry{"org.conscrypt.", FrameOwner::library},
    Entry{"io.vertx.", FrameOwner::library},
    Entry{"sbt.", FrameOwner::library},
    Entry{"play.", FrameOwner::library},
    Entry{"zio.", FrameOwner::library},
    Entry{"cats.", FrameOwner::library},
    Entry{"fs2.", FrameOwner::library},
    Entry{"monix.", FrameOwner::library},
    Entry{"io.circe.", FrameOwner::library},
    Entry{"spray.", FrameOwner::library},
    Entry{"net.bytebuddy.", FrameOwner::library},
    Entry{"javassist.", FrameOwner::library},
    Entry{"com.github.benmanes.", FrameOwner::library},
    Entry{"com.lmax.", FrameOwner::library},
    Entry{"org.agrona.", FrameOwner::library},
    Entry{"com.aliyun.", FrameOwner::library},
    Entry{"com.oracle.", FrameOwner::library},
    Entry{"weblogic.", FrameOwner::library},
    Entry{"com.teradata.", FrameOwner::library},
    Entry{"com.informix.", FrameOwner::library},
    Entry{"com.amazon.redshift.", FrameOwner::library},
    Entry{"com.amazon.athena.", FrameOwner::library},
    Entry{"com.databricks.client.", FrameOwner::library},
    Entry{"com.sybase.", FrameOwner::library},
    Entry{"com.exasol.", FrameOwner::library},
    Entry{"org.firebirdsql.", FrameOwner::library},
    Entry{"com.ingres.", FrameOwner::library},
    Entry{"com.kingbase8.", FrameOwner::library},
    Entry{"dm.jdbc.", FrameOwner::library},
    Entry{"com.taosdata.", FrameOwner::library},
    Entry{"com.oceanbase.jdbc.", FrameOwner::library},
    Entry{"org.opengauss.", FrameOwner::library},
    Entry{"org.duckdb.", FrameOwner::library},
    Entry{"org.monetdb.", FrameOwner::library},
    Entry{"com.arangodb.", FrameOwner::library},
    Entry{"com.aerospike.", FrameOwner::library},
    Entry{"com.hazelcast.", FrameOwner::library},
    Entry{"io.nats.", FrameOwner::library},
    Entry{"io.questdb.client.", FrameOwner::library},
    Entry{"io.milvus.", FrameOwner::library},
    Entry{"org.redisson.", FrameOwner::library},
    Entry{"com.hierynomus.", FrameOwner::library},
    Entry{"com.mchange.", FrameOwner::library},
    Entry{"com.facebook.", FrameOwner::library},
    Entry{"io.trino.", FrameOwner::library},
    Entry{"com.cloudera.", FrameOwner::library},
    Entry{"com.simba.", FrameOwner::library},
    Entry{"org.h2.", FrameOwner::library},
    Entry{"org.hsqldb.", FrameOwner::library},
    Entry{"org.sqlite.", FrameOwner::library},
    Entry{"org.aspectj.", FrameOwner::library},
    Entry{"com.newrelic.", FrameOwner::library},
    Entry{"com.dynatrace.", FrameOwner::library},
    Entry{"io.jaegertracing.", FrameOwner::library},
    Entry{"com.sforce.", FrameOwner::library},
    Entry{"com.salesforce.", FrameOwner::library},
    Entry{"org.asynchttpclient.", FrameOwner::library},
    Entry{"org.cometd.", FrameOwner::library},
    Entry{"com.hivemq.", FrameOwner::library},
    Entry{"com.ongres.", FrameOwner::library},
    Entry{"com.github.shyiko.", FrameOwner::connector},
    Entry{"com.zendesk.", FrameOwner::connector},
    Entry{"io.swagger.", FrameOwner::library},
    Entry{"feign.", FrameOwner::library},
    Entry{"org.jdbi.", FrameOwner::library},
    Entry{"org.postgis.", FrameOwner::library},
    Entry{"net.minidev.", FrameOwner::library},
    Entry{"org.msgpack.", FrameOwner::library},
    Entry{"org.threeten.", FrameOwner::library},
    Entry{"com.univocity.", FrameOwner::library},
    Entry{"com.opencsv.", FrameOwner::library},
    Entry{"au.com.bytecode.", FrameOwner::library},
};

// The longest entry that `function` begins with. Entries end at a package border, so few look-ups decide.
std::optional<FrameOwner> known_owner(std::string_view function) {
    static const auto packages = [] {
        std::unordered_map<std::string_view, FrameOwner> map;
        for (const auto& [prefix, owner] : entries) map.emplace(prefix, owner);
        return map;
    }();
    constexpr std::size_t depth_max = 8;
    std::optional<FrameOwner> best;
    std::size_t depth = 0;
    for (std::size_t at = 0; at < function.size() && depth < depth_max; ++at) {
        if (function[at] != '.' && function[at] != ':') continue;
        if (function[at] == ':' && at + 1 < function.size() && function[at + 1] == ':') ++at;
        ++depth;
        if (const auto found = packages.find(function.substr(0, at + 1)); found != packages.end()) best = found->second;
    }
    if (best) return best;
    for (const std::string_view start : {"_start", "__libc", "__cxa", "start_thread", "clone", "JVM_"})
        if (function.starts_with(start)) return FrameOwner::jdk;
    return std::nullopt;
}

// A relocated class belongs to whom it belongs at home: "a.b.shaded.org.apache.iceberg.X.f" is Iceberg's.
std::optional<FrameOwner> relocated_owner(std::string_view function) {
    for (const std::string_view mark : {".shaded.", ".shade.", ".relocated.", ".repackaged.", ".thirdparty."}) {
        const auto at = function.rfind(mark);
        if (at == std::string_view::npos) continue;
        if (const auto owner = known_owner(function.substr(at + mark.size()))) return owner;
    }
    return std::nullopt;
}

bool starts_with_any(std::string_view text, const std::vector<std::string>& prefixes) {
    return std::any_of(prefixes.begin(), prefixes.end(),
                       [&](const std::string& prefix) { return !prefix.empty() && text.starts_with(prefix); });
}

FrameOwner python_owner(std::string_view path) {
    if (path.find("/pyflink/") != std::string_view::npos || path.find("/apache_beam/") != std::string_view::npos)
        return FrameOwner::flink;
    if (path.find("site-packages") != std::string_view::npos || path.find("dist-packages") != std::string_view::npos)
        return FrameOwner::library;
    if (path.find("/lib/python") != std::string_view::npos || path.starts_with("<frozen")) return FrameOwner::jdk;
    return FrameOwner::user;
}

// Node: the Kafka clients' own modules, those of others, and the runtime's.
std::optional<FrameOwner> node_owner(std::string_view path) {
    if (path.starts_with("node:") || path.starts_with("internal/")) return FrameOwner::jdk;
    constexpr std::string_view folder = "node_modules/";
    const auto at = path.rfind(folder);
    if (at == std::string_view::npos) return std::nullopt;
    const auto module = path.substr(at + folder.size());
    for (const std::string_view client : {"kafkajs/", "node-rdkafka/", "_node-rdkafka@", "kafka-node/", "no-kafka/",
                                          "@confluentinc/", "@platformatic/kafka/"})
        if (module.starts_with(client)) return FrameOwner::kafka;
    return FrameOwner::library;
}

// A house that makes a driver often makes a connector too; packages and classes of connectors have usual names.
bool names_a_plugin(std::string_view function) {
    if (function.starts_with("org.apache.kafka.")) return false;
    for (const std::string_view name : {".kafka.connect.", ".connect.kafka.", ".kafka.sink.", ".kafka.source.",
                                        "SinkTask.", "SourceTask.", "SinkConnector.", "SourceConnector."})
        if (function.find(name) != std::string_view::npos) return true;
    return false;
}

// The last part of a native location: "libfleet_monitor.so+0x1f2" of "/opt/jobs/libfleet_monitor.so+0x1f2".
std::string_view object_of(std::string_view location) {
    const auto slash = location.rfind('/');
    auto name = slash == std::string_view::npos ? location : location.substr(slash + 1);
    return name.substr(0, name.find('+'));
}

// Where no table knows a native frame: a job's shared object is its author's, the engine's program is the engine's.
FrameOwner native_owner(std::string_view object, Component component) {
    if (object.starts_with("libc.so") || object.starts_with("libstdc++") || object.starts_with("libpthread") ||
        object.starts_with("libgcc") || object.starts_with("ld-linux") || object.starts_with("libjvm"))
        return FrameOwner::jdk;
    if (object.starts_with("librocksdb") || object.starts_with("libz") || object.starts_with("libsnappy"))
        return FrameOwner::library;
    if (object.starts_with("medic-engine")) {
        if (component == Component::connect) return FrameOwner::connect;
        if (component == Component::kafka_broker || component == Component::kafka_client) return FrameOwner::kafka;
        return FrameOwner::flink;
    }
    return object.find(".so") != std::string_view::npos ? FrameOwner::user : FrameOwner::library;
}

// A plugin's package is not in any table; in a worker an unknown package is a plugin, in a broker a library.
FrameOwner unknown_owner(Component component) {
    switch (component) {
        case Component::connect: return FrameOwner::connector;
        case Component::kafka_broker: return FrameOwner::library;
        default: return FrameOwner::user;
    }
}

}  // namespace

std::string_view to_string(FrameOwner owner) {
    switch (owner) {
        case FrameOwner::user: return "user";
        case FrameOwner::connector: return "connector";
        case FrameOwner::flink: return "flink";
        case FrameOwner::kafka: return "kafka";
        case FrameOwner::connect: return "connect";
        case FrameOwner::jdk: return "jdk";
        case FrameOwner::library: return "library";
    }
    return "library";
}

std::string_view to_string(Component component) {
    switch (component) {
        case Component::unknown: return "unknown";
        case Component::flink: return "flink";
        case Component::connect: return "connect";
        case Component::kafka_broker: return "kafka-broker";
        case Component::kafka_client: return "kafka-client";
        case Component::streams: return "streams";
    }
    return "unknown";
}

Component parse_component(std::string_view text) {
    for (const auto component :
         {Component::flink, Component::connect, Component::kafka_broker, Component::kafka_client, Component::streams})
        if (to_string(component) == text) return component;
    return Component::unknown;
}

FrameOwner owner_of(std::string_view function, std::string_view location, const Ownership& ownership) {
    if (starts_with_any(function, ownership.user_prefixes) || starts_with_any(location, ownership.user_prefixes))
        return FrameOwner::user;
    if (starts_with_any(function, ownership.connector_prefixes) ||
        starts_with_any(location, ownership.connector_prefixes))
        return FrameOwner::connector;
    if (location.find(".py") != std::string_view::npos || location.starts_with("<frozen"))
        return python_owner(location);
    if (const auto node = node_owner(location)) return *node;
    if (const auto told = trace::language_owner(function, location)) return *told;
    if (const auto relocated = relocated_owner(function)) return *relocated;
    if (const auto known = known_owner(function)) {
        if (*known == FrameOwner::library && ownership.component == Component::connect && names_a_plugin(function))
            return FrameOwner::connector;
        return *known;
    }
    if (location.find("+0x") != std::string_view::npos) return native_owner(object_of(location), ownership.component);
    return unknown_owner(ownership.component);
}

}  // namespace medic
