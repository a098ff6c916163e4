// What a file of a sidecar may hold, and how an agent of scope cluster names one.
#include <gtest/gtest.h>

#include <algorithm>

#include "agent/config/config.h"

namespace medic {
namespace {

std::string sidecar(const std::string& more = "", const std::string& of_cluster = "",
                    const std::string& driver = "{kind: systemd, unit: flink-tm.service}") {
    return "schema: 1\nscope: node\ndata_dir: d\napi: {listen: 127.0.0.1:9470, token_file: tokens}\n" + more +
           "clusters:\n  prod:\n    nodes:\n      - {name: tm-1, role: taskmanager, driver: " + driver + "}\n" +
           of_cluster;
}

std::string cluster(const std::string& driver) {
    return "schema: 1\ndata_dir: d\nclusters:\n  prod:\n    nodes:\n      - {name: tm-1, role: taskmanager, driver: " +
           driver + "}\n";
}

std::string error_of(const std::string& text) {
    const auto config = load_config(text, "medic.yaml");
    return config ? "" : config.error().message;
}

TEST(ConfigScope, ASidecarNeedsLittle) {
    const auto config = load_config(
        sidecar("intervals: {process: 2s}\n", "",
                "{kind: command, status: [ctl, status], kill: [ctl, kill], threads: [jcmd, '{pid}', Thread.print]}"),
        "/etc/node.yaml");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->scope, Scope::node);
    EXPECT_EQ(config->api_token_file, "/etc/tokens");
    EXPECT_EQ(config->intervals.process, Duration{2'000});
    EXPECT_EQ(config->clusters[0].nodes[0].driver.commands.at("threads").at(1), "{pid}");
}

TEST(ConfigScope, WithoutTheKeyItIsTheWholeCluster) {
    const auto config = load_config(cluster("{kind: systemd, unit: u}"), "medic.yaml");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_EQ(config->scope, Scope::cluster);
}

TEST(ConfigScope, ASidecarIsRefusedWhatDecidesOrReachesOut) {
    for (const char* more : {"lease: {kind: file, path: l}\n", "notify: [{kind: command, command: [a]}]\n",
                             "journal: {}\n", "limits: {}\n", "intervals: {flink: 1s}\n"})
        EXPECT_NE(error_of(sidecar(more)).find("`scope: cluster`"), std::string::npos)
            << more << error_of(sidecar(more));
    for (const char* more :
         {"    kafka: {bootstrap: [a:1]}\n", "    flink: [{url: \"http://a:1\"}]\n",
          "    connect: {urls: [http://a:1]}\n", "    metrics: [{url: \"http://a:1\", kind: host}]\n",
          "    owners: {\"job:x\": y}\n", "    logs: [{path: /l, component: flink}]\n",
          "    prometheus: {url: \"http://a:1\", match: '{a=\"b\"}'}\n"})
        EXPECT_NE(error_of(sidecar("", more)).find("`scope: cluster`"), std::string::npos) << more;
    EXPECT_NE(error_of(sidecar("lease: {kind: file, path: l}\n")).find("medic.yaml:5:1: lease: a sidecar"),
              std::string::npos);
}

TEST(ConfigScope, ASidecarNeedsATokenAndADriverOfItsOwnHost) {
    EXPECT_NE(error_of("schema: 1\nscope: node\ndata_dir: d\nclusters: {a: {nodes: [{name: n, role: broker, driver: "
                       "{kind: systemd, unit: u}}]}}\n")
                  .find("it needs `token_file`"),
              std::string::npos);
    EXPECT_NE(error_of(sidecar("", "", "{kind: agent, url: \"http://a:1\", token_file: t}")).find("asks no other one"),
              std::string::npos);
    EXPECT_NE(error_of("schema: 1\ndata_dir: d\nclusters:\n  a:\n    flink: [{url: \"http://f:1\"}]\n    nodes:\n"
                       "      - {name: n, role: broker, disks: [/d], driver: {kind: agent, url: \"http://a:1\", "
                       "token_file: t}}\n")
                  .find("belongs to the file of the sidecar"),
              std::string::npos);
    EXPECT_NE(error_of(sidecar("", "", "{kind: command, start: [a]}")).find("without `status`"), std::string::npos);
    EXPECT_NE(error_of("schema: 1\nscope: node\ndata_dir: d\napi: {token_file: t}\nclusters: {a: {nodes: [{name: n, "
                       "role: broker}]}}\n")
                  .find("needs a `driver`"),
              std::string::npos);
    EXPECT_NE(error_of("schema: 1\nscope: host\ndata_dir: d\nclusters: {a: {}}\n").find("one of cluster|node"),
              std::string::npos);
}

TEST(ConfigScope, ANodeNamesItsSidecarAndWhatMayBeAskedOfIt) {
    const auto config = load_config(
        cluster(
            "{kind: agent, url: \"https://tm-1:9470/\", token_file: token, tls: {ca: ca.pem}, actions: [start, kill]}"),
        "/etc/medic.yaml");
    ASSERT_TRUE(config) << config.error().message;
    const NodeDriverConfig& driver = config->clusters[0].nodes[0].driver;
    EXPECT_EQ(driver.url, "https://tm-1:9470");
    EXPECT_TRUE(driver.can("status") && driver.can("start") && driver.can("kill"));
    EXPECT_FALSE(driver.can("stop") || driver.can("grow"));
    EXPECT_EQ(driver.timeout, Duration{3'000});
    const HttpAccess& access = config->clusters[0].http.at("https://tm-1:9470");
    EXPECT_EQ(access.auth.bearer.file, "/etc/token");
    EXPECT_EQ(access.tls->ca, "/etc/ca.pem");
}

TEST(ConfigScope, WithoutActionsASidecarIsOnlyLookedAt) {
    const auto config = load_config(cluster("{kind: agent, url: \"http://a:1\", auth: {bearer_env: T}}"), "medic.yaml");
    ASSERT_TRUE(config) << config.error().message;
    EXPECT_TRUE(config->clusters[0].nodes[0].driver.can("status"));
    EXPECT_FALSE(config->clusters[0].nodes[0].driver.can("start"));
}

TEST(ConfigScope, ADriverSaysWhatItsKindHasNot) {
    const auto refused = [](const std::string& driver, const std::string& expected) {
        EXPECT_NE(error_of(cluster(driver)).find(expected), std::string::npos) << driver << error_of(cluster(driver));
    };
    refused("{kind: agent, token_file: t}", "needs `url`");
    refused("{kind: agent, url: \"http://a:1\"}", "needs a token");
    refused("{kind: agent, url: \"http://a:1\", token_file: t, auth: {bearer_file: t}}", "one of them");
    refused("{kind: agent, url: \"http://a:1\", token_file: t, start: [a]}", "the sidecar has its own commands");
    refused("{kind: agent, url: \"http://a:1\", token_file: t, actions: [reboot]}", "got `reboot`");
    refused("{kind: agent, url: \"http://a:1\", token_file: t, tls: {}}", "expected https://");
    refused("{kind: agent, url: \"http://a:1\", token_file: t, unit: u}", "only for kind systemd");
    refused("{kind: systemd, unit: u, url: \"http://a:1\"}", "only for kind agent");
    refused("{kind: systemd, unit: u, threads: [jcmd]}", "threads: only with `scope: node`");
}

TEST(ConfigScope, NotesSayWhereTokensGoReadable) {
    const auto notes = [](std::string text) { return config_notes(load_config(text, "/no/such/medic.yaml").value()); };
    std::string text = sidecar();
    EXPECT_EQ(notes(text), std::vector<std::string>{"api: /no/such/tokens does not exist yet"});
    text.replace(text.find("127.0.0.1"), 9, "0.0.0.0");
    const auto said = notes(text);
    EXPECT_TRUE(std::ranges::any_of(said, [](const auto& one) { return one.find("plain HTTP") != std::string::npos; }));
    const auto far = notes(cluster("{kind: agent, url: \"http://tm-1:9470\", token_file: /no/such/t}"));
    ASSERT_EQ(far.size(), 2u);
    EXPECT_NE(far[1].find("without https the login goes readable"), std::string::npos);
}

}  // namespace
}  // namespace medic
