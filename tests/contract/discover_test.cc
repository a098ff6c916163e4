// discover and doctor as a newcomer uses them, on a whole embedded platform: from three addresses to a configuration
// that the agent takes, a patch that `patch` takes, and no false alarm about a healthy platform.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "agent/base/yaml.h"
#include "engine/common/process.h"

namespace medic {
namespace {

using namespace medic::engine;
using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

constexpr Duration patience{180'000};  // Generous: no figure is measured here.

struct Ran {
    int code = -1;
    std::string out;
};

std::string text_of(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
}

class Newcomer : public testing::Test {
protected:
    void SetUp() override {
        char name[] = "/tmp/medic-contract-XXXXXX";
        folder_ = mkdtemp(name);
        const Ran up =
            run({MEDIC_BINARY_DIR "/medic-engine", "lab", "up", "--profile", "quick", "--data", folder_ + "/lab"});
        ASSERT_EQ(up.code, 0) << up.out;
        const auto lab = load_yaml_file(folder_ + "/lab/medic.yaml");
        ASSERT_TRUE(lab);
        const YamlNode cluster = lab->get("clusters").get("lab");
        kafka_ = cluster.get("kafka").get("bootstrap").items().at(0).text();
        connect_ = cluster.get("connect").get("urls").items().at(0).text();
        flink_ = cluster.get("flink").items().at(0).get("url").text();
        for (const YamlNode& page : cluster.get("metrics").items()) {
            const std::string url = page.get("url").text(), port = url.substr(url.rfind(':') + 1);
            ports_ += (ports_.empty() ? "" : ",") + port.substr(0, port.find('/'));
        }
    }

    void TearDown() override {
        (void)run({MEDIC_BINARY_DIR "/medic-engine", "lab", "down", "--data", folder_ + "/lab"});
        std::filesystem::remove_all(folder_);
    }

    Ran run(std::vector<std::string> argv, const std::string& working_directory = "") {
        const std::string log = folder_ + "/run-" + std::to_string(++runs_);
        const auto child = spawn({.argv = std::move(argv),
                                  .log_file = log,
                                  .fds = {},
                                  .environment = {},
                                  .working_directory = working_directory});
        if (!child) return {-1, child.error().message};
        std::optional<ProcessExit> ended;
        const auto deadline = std::chrono::steady_clock::now() + patience;
        while (!(ended = reap(*child)) && std::chrono::steady_clock::now() < deadline) usleep(20'000);
        if (!ended) terminate(*child, Duration{1'000});
        return {ended ? ended->code : -1, text_of(log)};
    }

    Ran medic(std::vector<std::string> arguments) {
        arguments.insert(arguments.begin(), MEDIC_BINARY_DIR "/medic");
        return run(std::move(arguments));
    }

    std::vector<std::string> discover(const std::vector<std::string>& more) {
        std::vector<std::string> all = {"discover", "--kafka", kafka_,   "--connect", connect_,
                                        "--flink",  flink_,    "--name", "lab"};
        all.insert(all.end(), more.begin(), more.end());
        return all;
    }

    // The picture as JSON, once the job is seen to read its topic: right after the start nothing tells of it yet.
    json picture_of_a_working_job() {
        const auto deadline = std::chrono::steady_clock::now() + patience;
        for (;;) {
            const json seen = json::parse(medic(discover({"-o", "json"})).out, nullptr, false);
            const auto reads = json::json_pointer("/flink/clusters/0/jobs/0/reads/0/name");
            if (seen.is_object() && seen.contains(reads) && seen.at(reads) == "fleet-events") return seen;
            if (std::chrono::steady_clock::now() > deadline) return {};
            usleep(200'000);
        }
    }

    std::string folder_, kafka_, connect_, flink_, ports_;
    int runs_ = 0;
};

TEST_F(Newcomer, gets_from_addresses_to_a_configuration_and_a_clean_bill) {
    const json seen = picture_of_a_working_job();
    ASSERT_TRUE(seen.is_object()) << "no job is seen to read fleet-events";
    EXPECT_EQ(seen.at("schema"), 1);
    EXPECT_EQ(seen.at("kafka").at("brokers").size(), 3u);

    const std::string file = folder_ + "/medic.yaml";
    const Ran found = medic(discover({"--output", file, "-o", "wide"}));
    EXPECT_EQ(found.code, 0) << found.out;
    for (const char* wanted :
         {"3 brokers", "fleet-events", "connector/inventory-sink", "job/fleet-monitor", "Written: "})
        EXPECT_THAT(found.out, HasSubstr(wanted));
    const Ran checked = medic({"config", "check", file});
    EXPECT_EQ(checked.code, 0) << checked.out << text_of(file);

    const Ran again = medic(discover({"--output", file}));
    EXPECT_EQ(again.code, 64) << "a file that is there is never written over";

    // Metric pages appear later: the patch adds them, and `patch` takes it.
    const Ran patch = medic({"discover", "--update", file, "--probe-pages", "--ports", ports_, "-o", "yaml"});
    EXPECT_EQ(patch.code, 0) << patch.out;
    EXPECT_THAT(patch.out, HasSubstr("+    metrics:\n"));
    std::ofstream(folder_ + "/pages.patch") << patch.out;
    if (std::filesystem::exists("/usr/bin/patch")) {
        const Ran applied = run({"/usr/bin/patch", "-p0", "--input", folder_ + "/pages.patch", file});
        EXPECT_EQ(applied.code, 0) << applied.out;
        EXPECT_THAT(text_of(file), HasSubstr("kind: connect-worker, node: \""));
        EXPECT_EQ(medic({"config", "check", file}).code, 0);
    }
}

TEST_F(Newcomer, is_told_by_the_doctor_what_stays_hidden_and_the_line_that_mends_it) {
    const Ran bare = medic({"doctor", "--kafka", kafka_, "--connect", connect_, "--flink", flink_});
    EXPECT_EQ(bare.code, 0) << bare.out;
    EXPECT_THAT(bare.out, HasSubstr("no driver can look at task managers"));
    EXPECT_THAT(bare.out, HasSubstr("flink.taskmanager-lost"));
    EXPECT_THAT(bare.out, HasSubstr("metrics: [{url: \"http://HOST:PORT/metrics\", kind: connect-worker"));

    // The lab's own configuration has drivers and pages.
    const Ran whole = medic({"doctor", "--config", folder_ + "/lab/medic.yaml"});
    EXPECT_EQ(whole.code, 0) << whole.out;
    EXPECT_THAT(whole.out, Not(HasSubstr("no driver can look at")));
    EXPECT_THAT(whole.out, Not(HasSubstr("page is read")));

    const Ran as_json = medic({"doctor", "--config", folder_ + "/lab/medic.yaml", "-o", "json"});
    const json exam = json::parse(as_json.out, nullptr, false);
    ASSERT_TRUE(exam.is_object()) << as_json.out;
    EXPECT_EQ(exam.at("good"), true);
    for (const json& call : exam.at("clusters").at(0).at("calls")) EXPECT_NE(call.at("outcome"), "failed") << call;
}

TEST_F(Newcomer, sees_a_silent_part_reported_and_the_rest_found) {
    const Ran found = medic({"discover", "--kafka", kafka_, "--flink", "http://127.0.0.1:1"});
    EXPECT_EQ(found.code, 2) << found.out;
    EXPECT_THAT(found.out, HasSubstr("NOT SEEN"));
    EXPECT_THAT(found.out, HasSubstr("fleet-events"));
    EXPECT_EQ(medic({"discover", "--flink", "http://ana:secret@127.0.0.1:1"}).code, 64);
    EXPECT_EQ(medic({"discover"}).code, 64);
    EXPECT_EQ(medic({"doctor", "--kafka", "127.0.0.1:1"}).code, 2);
}

}  // namespace
}  // namespace medic
