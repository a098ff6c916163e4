// A bundle holds what explains, nothing that is a secret, and says what it left out.
#include "agent/bundle/bundle.h"
#include "agent/base/test_folder_internal.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "agent/base/test_folder_internal.h"
#include "agent/base/yaml.h"
#include "agent/loop/incident_codec.h"
#include "remediations/journal/journal.h"

namespace medic::bundle {
namespace {

using Json = nlohmann::json;

// Every secret that is planted, none of them recognisable by its own looks.
constexpr std::array secrets = {"#plum-kafka-81", "pear-flink-82",  "fig-token-of-ana-83", "kiwi-hook-84",
                                "lime-argv-85",   "date-in-url-86", "sloe-query-87",       "quince-variable-88",
                                "nut-inline-89",  "medlar-etcd-93", "rowan-login-94",      "sorb-login-95"};
constexpr WallTime now{1'764'331'200'000};

const char* const medic_yaml = R"(schema: 1   # a comment: nut-inline-89
data_dir: data
lease: {kind: etcd, urls: ["http://root:rowan-login-94@etcd:2379"], username: medic, password_file: etcd-password}
api: {listen: "127.0.0.1:0", token_file: tokens}
clusters:
  c:
    kafka: {bootstrap: ["k:9092"], sasl: {mechanism: PLAIN, username: medic, password_file: kafka-password}}
    flink: [{url: "http://f:8081", auth: {username: u, password_env: BUNDLE_TEST_SECRET}}]
    metrics: [{url: "http://me:date-in-url-86@f:1/metrics?key=sloe-query-87", kind: host}]
    alertmanager: {url: "http://me:sorb-login-95@am:9093"}
    nodes: [{name: n, role: broker, driver: {kind: command, status: [sh, -c, "login lime-argv-85"]}}]
    logs: [{path: "logs/*.log", component: flink}]
notify:
  - {name: chat, kind: webhook, url_file: hook-url, token_file: hook-token}
)";

class BundleTest : public ::testing::Test {
protected:
    BundleTest() {
        setenv("BUNDLE_TEST_SECRET", "quince-variable-88", 1);
        std::filesystem::create_directories(folder.path / "data");
        folder.write("kafka-password", "#plum-kafka-81\n");
        folder.write("tokens", "ana fig-token-of-ana-83 # on call\n");
        folder.write("etcd-password", "medlar-etcd-93\n");
        folder.write("hook-url", "https://chat/kiwi-hook-84\n");
        folder.write("hook-token", "pear-flink-82\n");
        folder.write("logs/a.log", everything() +
                                       "INFO the job has started\nINFO whom to call\npassword=something-else-90\n" +
                                       "-----BEGIN RSA PRIVATE KEY-----\nabcdefgh91\n-----END RSA PRIVATE KEY-----\n"
                                       "last line\n");
        auto loaded = load_config_file(folder.write("medic.yaml", medic_yaml));
        EXPECT_TRUE(loaded) << loaded.error().message;
        config = *std::move(loaded);
        const auto journal = Journal::open({.path = config.data_dir + "/journal.db"}).value();
        Incident incident;
        incident.id = "I1";
        incident.cluster = "c";
        incident.diagnosis.cause = "connect.task-stuck";
        incident.diagnosis.subject = {"c", "connector-task", "orders/0"};
        incident.opened_at = now - Duration{60'000};
        incident.state = IncidentState::escalated;
        incident.first_failure = "java.io.IOException: refused " + everything();
        EXPECT_TRUE(journal->append({to_row(incident), DecisionRow{.at = now - Duration{50'000},
                                                                   .incident = "I1",
                                                                   .key = "I1/1/1",
                                                                   .kind = "plan",
                                                                   .verdict = "none",
                                                                   .text = "said " + everything(),
                                                                   .inputs = everything()}}));
        EXPECT_TRUE(journal->flush().durable);
    }
    static std::string everything() {
        std::string all;
        for (const char* one : secrets)
            // Arguments and comments are the configuration's alone: who quotes them elsewhere can't be known.
            if (std::string_view(one) != "lime-argv-85" && std::string_view(one) != "nut-inline-89")
                all += std::string(one) + " and ";
        return all + "\n";
    }
    [[nodiscard]] DiagnoseResult diagnosis() const {
        DiagnoseResult result;
        result.report.at = now;
        result.targets = 3;
        Diagnosis one;
        one.cause = "connect.task-stuck";
        one.subject = {"c", "connector-task", "orders/0"};
        one.summary = "task 0 moves nothing: token=abc\", \"x\": " + everything();
        one.facts = {{"db.password", "walnut-92"}};
        result.report.diagnoses = {one};
        result.verdict = verdict_of(result);
        return result;
    }
    [[nodiscard]] std::vector<File> made(Bounds bounds = {}) const {
        Snapshot snapshot;
        snapshot.series = R"({"labels":{"__name__":"up","note":"#plum-kafka-81"},"samples":[[1,1.0]]})"
                          "\n";
        snapshot.events = R"({"kind":"log","text":"pear-flink-82"})"
                          "\n";
        snapshot.left_out = {"series: 5 of 9"};
        return make_bundle({.config = config,
                            .diagnosis = diagnosis(),
                            .snapshot = snapshot,
                            .medic_version = "medic 1",
                            .now = now,
                            .bounds = bounds});
    }
    static const File& file(const std::vector<File>& files, const std::string& name) {
        static const File none;
        const auto found = std::ranges::find(files, name, &File::name);
        EXPECT_NE(found, files.end()) << name;
        return found == files.end() ? none : *found;
    }

    TestFolder folder;
    Config config;
};

TEST_F(BundleTest, HoldsNoneOfThePlantedSecrets) {
    auto files = made();
    // Cut in the middle of a key.
    for (File& one : made({.log_bytes_max = 64})) files.push_back(std::move(one));
    for (const File& one : files) {
        for (const char* secret : secrets) EXPECT_EQ(one.text.find(secret), std::string::npos) << one.name << secret;
        for (const char* secret : {"something-else-90", "abcdefgh91", "walnut-92"})
            EXPECT_EQ(one.text.find(secret), std::string::npos) << one.name << " " << secret;
    }
}

TEST_F(BundleTest, WhatExplainsIsStillThereAndWellFormed) {
    const auto files = made();
    EXPECT_EQ(files.front().name, "manifest.json");
    for (const File& one : files) {
        if (!one.name.ends_with(".json")) continue;
        EXPECT_TRUE(Json::parse(one.text, nullptr, false).is_object()) << one.name << "\n" << one.text;
    }
    EXPECT_NE(file(files, "logs/1.log").text.find("INFO the job has started"), std::string::npos);
    EXPECT_NE(file(files, "logs/1.log").text.find("last line"), std::string::npos);
    EXPECT_NE(file(files, "logs/1.log").text.find("whom to call"), std::string::npos) << "a comment is no token";
    EXPECT_NE(file(files, "incidents.json").text.find("java.io.IOException: refused"), std::string::npos);
    EXPECT_NE(file(files, "journal.jsonl").text.find("I1/1/1"), std::string::npos);
    EXPECT_NE(file(files, "series.jsonl").text.find("\"up\""), std::string::npos);
    const File& yaml = file(files, "config.yaml");
    EXPECT_TRUE(load_yaml(yaml.text, "config.yaml", {})) << yaml.text;
    for (const char* kept : {"k:9092", "kafka-password", "http://f:8081", "BUNDLE_TEST_SECRET", "sh"})
        EXPECT_NE(yaml.text.find(kept), std::string::npos) << kept << "\n" << yaml.text;
}

TEST_F(BundleTest, TheManifestSaysWhatWasWithheldAndWhy) {
    const auto files = made({.log_bytes_max = 64});
    const Json manifest = Json::parse(files.front().text);
    EXPECT_EQ(manifest["files"].size(), files.size() - 1);
    std::string withheld;
    for (const Json& one : manifest["withheld"]) {
        EXPECT_FALSE(one["why"].get<std::string>().empty());
        withheld += one["what"].get<std::string>() + "\n";
    }
    for (const char* what : {"driver.status", "metrics[0].url", "series: 5 of 9", "a.log: its first"})
        EXPECT_NE(withheld.find(what), std::string::npos) << what << " in\n" << withheld;
    EXPECT_EQ(manifest["bounds"]["log_bytes_max"], 64);
    EXPECT_LE(file(files, "logs/1.log").text.size(), 64u);
}

TEST_F(BundleTest, WhatCannotBeHadIsWithheldAndNoError) {
    std::filesystem::remove(config.data_dir + "/journal.db");
    std::filesystem::remove_all(folder.path / "logs");
    std::filesystem::remove(folder.path / "kafka-password");
    const auto files = made();
    EXPECT_EQ(std::ranges::find(files, "incidents.json", &File::name), files.end());
    EXPECT_NE(files.front().text.find("incidents.json, journal.jsonl"), std::string::npos);
    EXPECT_NE(files.front().text.find("not looked up"), std::string::npos);
}

TEST_F(BundleTest, IsDiagnosedFromAlone) {
    const std::string path = (folder.path / "b.tar.gz").string();
    ASSERT_TRUE(write_archive(path, made(), now));
    struct stat status = {};
    ASSERT_EQ(stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 0777, 0600u);
    const auto read = read_bundle(path);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->verdict, DiagnoseResult::Verdict::problem);
    EXPECT_EQ(read->seen_by.kind, SeenBy::Kind::bundle);
    EXPECT_EQ(read->report.diagnoses.at(0).cause, "connect.task-stuck");
}

TEST_F(BundleTest, WhatIsNoBundleIsRefused) {
    EXPECT_EQ(read_bundle((folder.path / "nothing").string()).error().code, ErrorCode::unavailable);
    EXPECT_EQ(read_bundle(folder.write("text", "no archive")).error().code, ErrorCode::invalid);
    const std::string path = (folder.path / "b.tar.gz").string();
    ASSERT_TRUE(write_archive(path, {{"other.json", "{}"}}, now));
    EXPECT_EQ(read_bundle(path).error().code, ErrorCode::invalid);
    ASSERT_TRUE(write_archive(path, {{"big", std::string(1000, 'x')}}, now));
    EXPECT_EQ(read_archive(path, {.files_max = 4, .bytes_max = 999}).error().code, ErrorCode::invalid);
    ASSERT_TRUE(write_archive(path, {{"../out", "x"}}, now));
    EXPECT_EQ(read_archive(path).error().code, ErrorCode::invalid);
    EXPECT_FALSE(write_archive((folder.path / "no-folder/b.tar.gz").string(), made(), now));
}

}  // namespace
}  // namespace medic::bundle
