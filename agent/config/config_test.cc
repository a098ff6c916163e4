#include "agent/config/config.h"

#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

namespace medic {
namespace {

const std::string small = R"(schema: 1
data_dir: data
clusters:
  lab:
    kafka: {bootstrap: [127.0.0.1:9092]}
)";

std::string error_of(const std::string& text) {
    const auto config = load_config(text, "medic.yaml");
    return config ? "" : config.error().message;
}

TEST(Config, SmallestFileHasTheDocumentedDefaults) {
    const auto config = load_config(small, "/etc/medic/medic.yaml");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->data_dir, "/etc/medic/data");
    EXPECT_EQ(config->api_listen, "127.0.0.1:9469");
    EXPECT_EQ(config->intervals.kafka, Duration{2'000});
    EXPECT_EQ(config->journal.retention, Duration{90LL * 24 * 3'600'000});
    EXPECT_EQ(config->clusters.at(0).kafka.bootstrap.at(0), "127.0.0.1:9092");
}

// What the server takes is an IP address without brackets, and what stands in a URL has them.
TEST(Config, WhereItListensIsAnIpAddressAndAPort) {
    const auto listens = [](const std::string& text) {
        const auto config = load_config(small + "api: {listen: \"" + text + "\"}\n", "medic.yaml");
        EXPECT_TRUE(config) << (config ? "" : config.error().message);
        return config.value_or(Config{});
    };
    EXPECT_EQ(listens("0.0.0.0:0").api_address, (ListenAddress{"0.0.0.0", 0}));
    EXPECT_EQ(listens("localhost:9470").api_address, (ListenAddress{"127.0.0.1", 9470}));
    EXPECT_EQ(listens("localhost:9470").api_listen, "127.0.0.1:9470");
    EXPECT_EQ(listens("[::1]:9470").api_address, (ListenAddress{"::1", 9470}));
    EXPECT_EQ(listens("[::1]:9470").api_listen, "[::1]:9470");
    EXPECT_EQ(load_config(small, "medic.yaml")->api_address, (ListenAddress{"127.0.0.1", 9469}));
    EXPECT_EQ(to_string(reachable({"::", 1})), "[::1]:1");
    EXPECT_EQ(to_string(reachable({"0.0.0.0", 1})), "127.0.0.1:1");
    EXPECT_EQ(to_string(reachable({"10.0.0.1", 1})), "10.0.0.1:1");
}

TEST(Config, TheWholeContractIsRead) {
    const auto config = load_config(R"(schema: 1
data_dir: /var/lib/medic
api: {listen: 127.0.0.1:0, token_file: tokens}
clusters:
  prod:
    kafka: {bootstrap: [a:9092, b:9092], tls: {ca: ca.pem}, sasl: {mechanism: SCRAM-SHA-512, username: u, password_file: pw}}
    connect: {urls: [http://c:8083/]}
    flink: [{url: http://jm:8081}]
    metrics: [{url: http://a:7071/metrics, kind: kafka-broker, node: broker-1, interval: 30s}]
    prometheus: {url: http://p:9090, match: '{cluster="x"}'}
    nodes:
      - {name: broker-1, role: broker, zone: z1, driver: {kind: systemd, unit: kafka.service}}
      - {name: tm-1, role: taskmanager, spare: true, driver: {kind: command, status: [ctl, status], start: [ctl, start], stop: [ctl, stop], kill: [ctl, kill, -9], kill_task: [ctl, task, "{connector}", "{task}"]}}
    deployments:
      - {job: j, driver: {kind: session-rest}, savepoints: /sp, gate: {hold: 30s, group: g, lag_max: 500}, versions: [{id: v1, artifact: j.jar, entry: C, args: [--x], parallelism: 2, topics: [in, out]}]}
    owners: {"job:fraud-*": team-fraud}
notify: [{kind: webhook, url: "http://n/hook", for: "*"}]
)",
                                    "/etc/medic.yaml");
    ASSERT_TRUE(config) << config.error().message;
    const ClusterConfig& cluster = config->clusters.at(0);
    EXPECT_EQ(cluster.connect_urls.at(0), "http://c:8083");
    EXPECT_EQ(cluster.kafka.security.sasl->password.file, "/etc/pw");
    EXPECT_EQ(cluster.kafka.security.tls->ca, "/etc/ca.pem");
    EXPECT_TRUE(cluster.kafka.security.tls->check_hostname);
    EXPECT_FALSE(cluster.http.at("http://c:8083").auth.given());
    EXPECT_EQ(cluster.pages.at(0).interval, Duration{30'000});
    EXPECT_TRUE(cluster.pages.at(0).interval_given);
    EXPECT_EQ(cluster.node("broker-1")->driver.commands.at("kill").at(0), "systemctl");
    EXPECT_TRUE(cluster.node("tm-1")->driver.can("kill_task"));
    EXPECT_FALSE(cluster.node("tm-1")->driver.can("grow"));
    EXPECT_EQ(cluster.deployment("j")->url, "http://jm:8081");
    EXPECT_EQ(cluster.deployment("j")->versions.at(0).parallelism, 2);
    EXPECT_EQ(cluster.deployment("j")->versions.at(0).topics, (std::vector<std::string>{"in", "out"}));
    EXPECT_EQ(cluster.deployment("j")->gate.hold, Duration{30'000});
    EXPECT_EQ(cluster.deployment("j")->gate.within, Duration{5 * 60'000}) << "unless it is said";
    EXPECT_EQ(cluster.deployment("j")->gate.lag_max, 500);
    EXPECT_EQ(cluster.owners.at("job:fraud-*"), "team-fraud");
}

TEST(Config, EveryEndpointTakesTheSameAuthAndTls) {
    const auto config = load_config(R"(schema: 1
data_dir: d
clusters:
  prod:
    kafka: {bootstrap: [a:9093], cluster_id: abc, tls: {}, sasl: {mechanism: PLAIN, username: u, password_command: [vault, read, x]}}
    connect: {urls: [https://c1:8083, https://c2:8083], auth: {username: u, password_env: CONNECT_PASSWORD}, tls: {ca: ca.pem}}
    flink: [{url: https://jm:8081, tls: {ca: ca.pem, certificate: me.pem, key: me.key, check_hostname: false}}]
    metrics: [{url: https://a:7071/metrics, kind: kafka-broker, auth: {bearer_file: token}}]
    prometheus: {url: https://p:9090, match: '{cluster="x"}', auth: {bearer_command: [token]}}
notify: [{kind: alertmanager, url: https://am, auth: {username: u, password_env: AM}, tls: {ca: ca.pem}}]
)",
                                    "/etc/medic.yaml");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->notify.at(0).access.auth.password.environment, "AM");
    EXPECT_EQ(config->notify.at(0).access.tls->ca, "/etc/ca.pem");
    const ClusterConfig& cluster = config->clusters.at(0);
    EXPECT_EQ(cluster.kafka.cluster_id, "abc");
    EXPECT_EQ(cluster.kafka.security.tls->ca, "");
    EXPECT_EQ(cluster.kafka.security.sasl->password.command.at(0), "vault");
    for (const char* worker : {"https://c1:8083", "https://c2:8083"})
        EXPECT_EQ(cluster.http.at(worker).auth.password.environment, "CONNECT_PASSWORD");
    EXPECT_EQ(cluster.http.at("https://jm:8081").tls->certificate, "/etc/me.pem");
    EXPECT_FALSE(cluster.http.at("https://jm:8081").tls->check_hostname);
    EXPECT_EQ(cluster.http.at("https://a:7071/metrics").auth.bearer.file, "/etc/token");
    EXPECT_EQ(cluster.http.at("https://p:9090").auth.bearer.command.at(0), "token");
}

TEST(Config, NotesSayWhoMaySeeTheLeasesPassword) {
    const auto notes = [](const std::string& url, const std::string& password_file) {
        const auto config = load_config(
            small + "lease: {kind: etcd, urls: [\"" + url + "\"], username: u, password_file: " + password_file + "}\n",
            "/etc/medic.yaml");
        EXPECT_TRUE(config) << (config ? "" : config.error().message);
        return config ? config_notes(*config) : std::vector<std::string>{};
    };
    EXPECT_EQ(notes("http://etcd:2379", "/etc/passwd"),
              (std::vector<std::string>{"lease: everyone on this host can read /etc/passwd: chmod o-r",
                                        "lease: without https the login goes readable over the network"}));
    const std::vector<std::string> missing = {"lease: /no/such/pw does not exist yet"};
    EXPECT_EQ(notes("https://etcd:2379", "/no/such/pw"), missing);
    EXPECT_EQ(notes("http://127.0.0.1:2379", "/no/such/pw"), missing);
}

TEST(Config, ADriversTimeoutCountsForWhatActsToo) {
    const auto load = [](const std::string& driver) {
        const auto config = load_config(small + "    nodes: [{name: n, role: broker, driver: " + driver + "}]\n", "f");
        EXPECT_TRUE(config) << (config ? "" : config.error().message);
        return config ? config->clusters[0].nodes[0].driver : NodeDriverConfig{};
    };
    const auto given = load("{kind: command, start: [ctl], timeout: 30s}");
    EXPECT_EQ(given.timeout, Duration{30'000});
    EXPECT_EQ(given.command_timeout, Duration{30'000});
    const auto not_given = load("{kind: systemd, unit: u}");
    EXPECT_EQ(not_given.timeout, Duration{10'000});
    EXPECT_EQ(not_given.command_timeout, driver_takes_max);
    const auto of_a_look = load("{kind: agent, url: \"http://a:1\", token_file: t, timeout: 2m}");
    EXPECT_EQ(of_a_look.timeout, Duration{120'000});
    EXPECT_EQ(of_a_look.command_timeout, driver_takes_max);
}

TEST(Config, NotesSayWhichSecretsOthersMaySee) {
    const auto config = load_config(R"(schema: 1
data_dir: d
clusters:
  prod:
    kafka: {bootstrap: [a:9093], sasl: {mechanism: PLAIN, username: u, password_file: /no/such/pw}}
    flink: [{url: "http://u:hunter2@jm:8081", auth: {bearer_file: /etc/passwd}}, {url: http://127.0.0.1:8081, auth: {bearer_env: T}}]
    prometheus: {url: https://p:9090, match: '{cluster="x"}', tls: {check_hostname: false}}
)",
                                    "/etc/medic.yaml");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config_notes(*config),
              (std::vector<std::string>{
                  "cluster prod: kafka: /no/such/pw does not exist yet",
                  "cluster prod: kafka: PLAIN without tls sends the password readable over the network",
                  "cluster prod: http://u:[hidden]@jm:8081: everyone on this host can read /etc/passwd: chmod o-r",
                  "cluster prod: http://u:[hidden]@jm:8081: without https the login goes readable over the network",
                  "cluster prod: https://p:9090: check_hostname is off: whoever holds a certificate of that authority "
                  "is taken "
                  "for it"}));
    EXPECT_TRUE(config_notes(*load_config(small, "medic.yaml")).empty());
}

struct Bad {
    std::string text, expected;
};

class Refuses : public testing::TestWithParam<Bad> {};

TEST_P(Refuses, WithFileLineColumnAndWhatWasExpected) {
    const std::string message = error_of(GetParam().text);
    EXPECT_NE(message.find(GetParam().expected), std::string::npos) << message;
}

INSTANTIATE_TEST_SUITE_P(
    Files, Refuses,
    testing::Values(
        Bad{"schema: 1\ndata_dir: d\ncluster:\n  a: {}\n",
            "medic.yaml:3:1: unknown key `cluster`; did you mean `clusters`?"},
        Bad{"schema: 1\nschema: 1\n", "medic.yaml:2:1"},
        Bad{"schema: 2\ndata_dir: d\nclusters: {a: {kafka: {bootstrap: [a:1]}}}\n",
            "medic.yaml:1:9: schema: expected 1 to 1, got 2"},
        Bad{"schema: 1\nclusters: {a: {kafka: {bootstrap: [a:1]}}}\n", "key `data_dir` is missing"},
        Bad{"schema: 1\ndata_dir: d\nclusters: {}\n", "expected at least one cluster"},
        Bad{"schema: 1\ndata_dir: d\nclusters: {a: {}}\n", "nothing to watch"},
        Bad{small + "    metrics: [{url: \"http://x/m\", kind: kafka}]\n",
            "medic.yaml:6:41: kind: expected one of kafka-broker|"},
        Bad{small + "    metrics: [{url: \"http://x/m\", kind: host, interval: 10ms}]\n",
            "interval: expected 200ms to 1h, got 10ms"},
        Bad{small + "    metrics: [{url: \"x/m\", kind: host}]\n", "url: expected http://host:port"},
        Bad{small + "    nodes: [{name: n, role: broker, driver: {kind: command, start: ctl start, sttop: [x]}}]\n",
            "unknown key `sttop`; did you mean `stop`?"},
        Bad{small + "    nodes: [{name: n, role: broker}, {name: n, role: broker}]\n", "`n` is there twice"},
        Bad{small + "    nodes: [{name: n, role: broker, driver: {kind: systemd}}]\n", "needs `unit`"},
        Bad{small + "    nodes: [{name: n, role: broker, disks: [data]}]\n", "expected absolute paths, got `data`"},
        Bad{small + "    deployments: [{job: j, driver: {kind: session-rest}, versions: [{id: v, artifact: a}]}]\n",
            "the driver needs `url`"},
        Bad{small + "    nodes: [{name: n, role: broker, driver: {kind: command, start: [x], timeout: 2m}}]\n",
            "timeout: expected at most 1m, got 2m: what acts is an operation, which must end within"},
        Bad{small + "    deployments: [{job: j, driver: {kind: command, start: [x], timeout: 5m}, versions: [{id: v, "
                    "artifact: a}]}]\n",
            "timeout: expected at most 1m, got 5m: what acts is an operation, which must end within"},
        Bad{small + "    deployments: [{job: j, driver: {kind: command, start: [x], stop: [x]}, versions: [{id: v, "
                    "artifact: a}]}]\n",
            "unknown key `stop`"},
        Bad{small + "    owners: {fraud: team}\n", "expected KIND:NAME"},
        Bad{small + "    managed_by: {fraud: team}\n", "expected KIND:NAME"},
        Bad{small + "    managed_by: {\"job:*\": {restarts: true}}\n", "`by` is missing"},
        Bad{small + "    managed_by: {\"job:*\": []}\n", "expected a system's name"},
        Bad{small + "    managed_by: [strimzi]\n", "expected a system's name"},
        Bad{small + "api: {listen: here}\n",
            "medic.yaml:6:15: listen: expected an IP address and a port, as 127.0.0.1:9469, [::1]:9469 or "
            "localhost:9469, got `here`"},
        Bad{small + "api: {listen: \"host:9469\"}\n", "medic.yaml:6:15: listen: expected an IP address and a port"},
        Bad{small + "api: {listen: \"::1:9469\"}\n", "listen: expected an IP address and a port"},
        Bad{small + "api: {listen: \"[127.0.0.1]:9469\"}\n", "listen: expected an IP address and a port"},
        Bad{small + "api: {listen: \":9469\"}\n", "listen: expected an IP address and a port"},
        Bad{small + "api: {listen: \"127.0.0.1:\"}\n", "listen: expected an IP address and a port"},
        Bad{small + "api: {listen: \"127.0.0.1:65536\"}\n", "listen: expected an IP address and a port"},
        Bad{small + "api: {listen: \"127.0.0.1:-1\"}\n", "listen: expected an IP address and a port"},
        Bad{small + "api: {listen: \"127.0.1:9469\"}\n", "listen: expected an IP address and a port"},
        Bad{small + "notify: [{kind: webhook}]\n", "needs `url`"},
        Bad{"schema: 1\ndata_dir: d\nclusters: {a: {kafka: {bootstrap: [a:1], sasl: {mechanism: PLAIN, username: "
            "u}}}}\n",
            "give `password_file`, `password_env` or `password_command`"},
        Bad{"schema: 1\ndata_dir: d\nclusters: {a: {kafka: {bootstrap: [a:1], sasl: {mechanism: PLAIN, username: u, "
            "password: x}}}}\n",
            "unknown key `password`"},
        Bad{"schema: 1\ndata_dir: d\nclusters: {a: {kafka: {bootstrap: [a:1], sasl: {mechanism: PLAIN, password_file: "
            "p}}}}\n",
            "`username` is missing"},
        Bad{"schema: 1\ndata_dir: d\nclusters: {a: {kafka: {bootstrap: [a:1], sasl: {mechanism: OAUTHBEARER, username: "
            "u, password_file: p}}}}\n",
            "OAUTHBEARER takes `token_file`"},
        Bad{"schema: 1\ndata_dir: d\nclusters: {a: {kafka: {bootstrap: [a:1], sasl: {mechanism: PLAIN, username: u, "
            "password_file: p, token_file: t}}}}\n",
            "are for OAUTHBEARER"},
        Bad{"schema: 1\ndata_dir: d\nclusters: {a: {kafka: {bootstrap: [a:1], tls: {key: k}}}}\n",
            "`certificate` and `key` go together"},
        Bad{small + "    flink: [{url: \"http://j:1\", auth: {username: u}}]\n", "auth: expected `username` with"},
        Bad{small + "    flink: [{url: \"http://j:1\", auth: {username: u, password_file: p, bearer_file: b}}]\n",
            "auth: expected `username` with"},
        Bad{small + "    flink: [{url: \"http://j:1\", auth: {bearer_file: b, bearer_env: B}}]\n",
            "give only one of `bearer_file`"},
        Bad{small + "    flink: [{url: \"http://j:1\", tls: {}}]\n", "is plain HTTP: expected https://"},
        Bad{small + "    flink: [{url: \"http://j:1\", auth: {bearer_file: b}}, {url: \"http://j:1\"}]\n",
            "is there twice, with different"},
        Bad{small + "notify: [{kind: webhook, url: \"http://a\", url_file: f}]\n", "one of them"},
        Bad{small + "notify: [{kind: command}]\n", "needs `command`"},
        Bad{small + "journal: {retention: 1d}\n", "retention: expected 2d to 10y"},
        Bad{small + "notify: [{kind: webhook, url: \"http://a\", tls: {}}]\n", "expected https://"},
        Bad{small + "notify: [{kind: webhook, url: \"https://a\", auth: {bearer: t}}]\n", "unknown key `bearer`"},
        Bad{small + "notify: [{kind: webhook, url: \"https://a\", token_file: t, auth: {bearer_file: t}}]\n",
            "either `auth`"},
        Bad{small + "notify: [{kind: command, command: [a], tls: {}}]\n", "for webhook and alertmanager"},
        Bad{small + "notify: [{kind: webhook, url: \"http://a\", username: u}]\n", "go together"},
        Bad{small + "notify: [{kind: alertmanager, url: \"http://a\", format: text}]\n", "for webhook and command"},
        Bad{small +
                "notify: [{kind: webhook, url: \"http://a\", name: n}, {kind: webhook, url: \"http://b\", name: n}]\n",
            "`n` is there twice"},
        Bad{"schema: 1\ndata_dir: d\nclusters: {\"a:b\": {kafka: {bootstrap: [a:1]}}}\n", "cluster name `a:b`"},
        Bad{"- 1\n", "expected a map"}, Bad{"a: [", "medic.yaml:"}, Bad{"", "is missing"}));

TEST(Config, WhatOthersDefineIsReadInTheFilesOrder) {
    const auto managed = [](const std::string& value) {
        const auto config = load_config(small + "    managed_by: " + value + "\n", "medic.yaml");
        EXPECT_TRUE(config) << (config ? "" : config.error().message);
        return config ? config->clusters[0].managed : std::vector<ManagedByConfig>{};
    };
    const auto all = managed("strimzi");
    ASSERT_EQ(all.size(), 1U);
    EXPECT_EQ(all[0].object + " " + all[0].by, "* strimzi");
    EXPECT_FALSE(all[0].restarts);
    const auto some = managed(R"({"topic:scratch-*": nobody, "topic:*": {by: terraform, restarts: true}, "*": ci})");
    ASSERT_EQ(some.size(), 3U);
    EXPECT_EQ(some[0].by + " " + some[1].by + " " + some[2].by, "nobody terraform ci");
    EXPECT_TRUE(some[1].restarts);
}

TEST(Config, ReferenceNamesEveryKey) {
    const std::string page = config_reference();
    for (const char* key :
         {"`data_dir`", "`token_file`", "`bootstrap`", "`kill_task`", "`savepoints`", "`password_file`"})
        EXPECT_NE(page.find(key), std::string::npos) << key;
}

TEST(Config, TheReferencePageIsWhatTheTableSays) {
    std::ifstream in("docs/configuration.md");
    std::stringstream page;
    page << in.rdbuf();
    EXPECT_EQ(page.str(), config_reference()) << "run: medic config reference > docs/configuration.md";
}

TEST(Config, ManyEndpointsAreLookedAtLessUnlessTheFileSaysHowOften) {
    const auto intervals = [](int flinks, const std::string& given) {
        std::string text = "schema: 1\ndata_dir: d\n" + given + "clusters:\n  a:\n    flink:\n";
        for (int i = 0; i < flinks; ++i) text += "      - {url: \"http://h:" + std::to_string(8000 + i) + "\"}\n";
        return load_config(text, "medic.yaml").value().intervals;
    };
    EXPECT_EQ(intervals(20, "").flink, Duration{1'000});
    EXPECT_EQ(intervals(21, "").flink, Duration{5'000});
    EXPECT_EQ(intervals(21, "").kafka, Duration{2'000});
    EXPECT_EQ(intervals(21, "intervals: {flink: 1s}\n").flink, Duration{1'000});
}

TEST(Config, LogsNameFilesOrAUnit) {
    const auto load = [](const std::string& log) {
        return load_config("schema: 1\ndata_dir: d\nclusters:\n  a:\n    logs: [" + log + "]\n", "/etc/medic.yaml");
    };
    const auto files = load("{path: log/*.log, component: flink}");
    ASSERT_TRUE(files) << files.error().message;
    EXPECT_EQ(files->clusters[0].logs[0].path, "/etc/log/*.log");
    EXPECT_TRUE(load("{unit: kafka.service, component: kafka}"));
    EXPECT_FALSE(load("{component: kafka}"));
    EXPECT_FALSE(load("{path: /x, unit: y, component: kafka}"));
    EXPECT_FALSE(load("{path: /x, component: kafka, node: unknown}"));
}

TEST(Config, AnAlertmanagerHasAnAddressAndMayWantALogin) {
    const auto load = [](const std::string& alertmanager) {
        return load_config(
            "schema: 1\ndata_dir: d\nclusters:\n  a:\n    flink: [{url: \"http://a:1\"}]\n    alertmanager: " +
                alertmanager + "\n",
            "/etc/medic.yaml");
    };
    EXPECT_EQ(load("{url: \"http://am:9093\"}")->clusters[0].alertmanager_url, "http://am:9093");
    EXPECT_FALSE(load("{}"));
    EXPECT_FALSE(load("{url: am}"));
}

TEST(Config, FlinksLogsAreReadOverRestUnlessFilesAreNamedOrItIsTurnedOff) {
    const auto urls = [](const std::string& more, const std::string& of_one = "") {
        const auto loaded = load_config("schema: 1\ndata_dir: d\nclusters:\n  a:\n    flink: [{url: \"http://a:1\"" +
                                            of_one + "}, {url: \"http://b:1\"}]\n" + more,
                                        "/etc/medic.yaml");
        EXPECT_TRUE(loaded) << loaded.error().message;
        return loaded->clusters[0].flink_log_urls();
    };
    using Urls = std::vector<std::string>;
    EXPECT_EQ(urls(""), (Urls{"http://a:1", "http://b:1"}));
    EXPECT_EQ(urls("", ", logs: never"), Urls{"http://b:1"});
    EXPECT_EQ(urls("    logs: [{path: /var/log/kafka.log, component: kafka}]\n").size(), 2U);
    EXPECT_TRUE(urls("    logs: [{path: /opt/flink/log/*.log, component: flink}]\n").empty());
}

}  // namespace
}  // namespace medic
