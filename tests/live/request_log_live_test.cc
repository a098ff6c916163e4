// Kafka's own word for it that whoever only observes changes nothing: the brokers' request log, switched on with
// Kafka's own tool, names every request of every client while each of our commands looks at the platform, and while an
// agent without a policy sees a task manager die. `make test-live` runs it.
#include <gmock/gmock.h>

#include <regex>
#include <set>
#include <sstream>

#include "tests/contract/agent_scene.h"
#include "tests/live/live_internal.h"

namespace medic::live {
namespace {

using contract::AgentScene;
using nlohmann::json;

constexpr int brokers = 3;
constexpr const char* request_logger = "kafka.request.logger";
constexpr const char* our_client_id = "streammedic";

// What reads, by Kafka's own names (as its request log spells them): not taken from the table that the agent uses.
const std::set<std::string> reading = {"API_VERSIONS",
                                       "METADATA",
                                       "LIST_OFFSETS",
                                       "OFFSET_FETCH",
                                       "FIND_COORDINATOR",
                                       "DESCRIBE_GROUPS",
                                       "LIST_GROUPS",
                                       "DESCRIBE_CONFIGS",
                                       "DESCRIBE_LOG_DIRS",
                                       "DESCRIBE_CLUSTER",
                                       "DESCRIBE_QUORUM",
                                       "LIST_PARTITION_REASSIGNMENTS",
                                       "CONSUMER_GROUP_DESCRIBE",
                                       "DESCRIBE_PRODUCERS",
                                       "DESCRIBE_TRANSACTIONS",
                                       "LIST_TRANSACTIONS",
                                       "DESCRIBE_CLIENT_QUOTAS"};

void set_level(const std::string& level) {
    for (int broker = 1; broker <= brokers; ++broker)
        (void)run_kafka_tool("kafka.admin.ConfigCommand",
                             {"--alter", "--add-config", std::string(request_logger) + "=" + level, "--entity-type",
                              "broker-loggers", "--entity-name", std::to_string(broker)});
}

// Requests completed so far on all brokers: client → names of what it asked.
std::map<std::string, std::multiset<std::string>> requests() {
    std::map<std::string, std::multiset<std::string>> found;
    const std::regex name(R"re("requestApiKeyName":"([A-Z_]+)")re"), client(R"re("clientId":"([^"]*)")re");
    for (int broker = 1; broker <= brokers; ++broker) {
        std::istringstream lines(text_of(data_folder() + "/logs/broker-" + std::to_string(broker) + ".log"));
        for (std::string line; std::getline(lines, line);) {
            std::smatch asked, by;
            if (line.find("Completed request") == std::string::npos) continue;
            if (!std::regex_search(line, asked, name)) ADD_FAILURE() << "a request without a name: " << line;
            if (std::regex_search(line, by, client)) found[by[1]].insert(asked[1]);
        }
    }
    return found;
}

// The platform's medic.yaml for an agent of our own: another folder, another port, no token.
std::string our_configuration(const AgentScene& scene) {
    const std::string theirs = text_of(data_folder() + "/medic.yaml");
    const std::string moved =
        std::regex_replace(theirs, std::regex("data_dir: .*"), "data_dir: " + (scene.folder / "data").string());
    return std::regex_replace(moved, std::regex("\napi: .*"), "\napi: {listen: \"127.0.0.1:0\"}");
}

bool told(const AgentScene& scene, const std::set<std::string>& causes) {
    const json said = json::parse(scene.ask("/api/v1/diagnosis").body, nullptr, false);
    if (!said.is_object() || !said.contains("diagnoses")) return false;
    for (const json& one : said.at("diagnoses"))
        if (causes.contains(one.value("cause", ""))) return true;
    return false;
}

TEST(RequestLog, names_no_request_of_ours_that_changes_anything) {
    if (data_folder().empty()) GTEST_SKIP() << "MEDIC_LIVE_DATA names no platform: run `make test-live`";
    AgentScene scene;
    scene.write("medic.yaml", our_configuration(scene));
    const std::string config = (scene.folder / "medic.yaml").string();
    set_level("DEBUG");

    const std::string first_broker = bootstrap().substr(0, bootstrap().find(','));
    EXPECT_EQ(scene.run({"discover", "--kafka", first_broker, "-o", "wide"}, "discover.log"), 0)
        << scene.read("discover.log");
    (void)scene.run({"doctor", "--config", config}, "doctor.log");
    (void)scene.run({"diagnose", "--config", config, "--for", "5"}, "diagnose.log");
    scene.start();
    ASSERT_TRUE(AgentScene::wait([&] { return scene.ask("/api/v1/diagnosis").status == 200; }))
        << scene.read("out.log");
    ASSERT_EQ(run_live({"node", "kill", "--node", "tm-1"}).code, 0);
    EXPECT_TRUE(AgentScene::wait([&] { return told(scene, {"flink.taskmanager-lost", "flink.taskmanager-absent"}); }))
        << scene.ask("/api/v1/diagnosis").body;
    EXPECT_EQ(run_live({"node", "start", "--node", "tm-1"}).code, 0);
    EXPECT_EQ(scene.stop(), 0);
    set_level("INFO");

    auto asked = requests();
    std::map<std::string, std::size_t> ours;
    for (const std::string& name : asked[our_client_id]) ++ours[name];
    for (const auto& [name, count] : ours) {
        std::cout << name << " " << count << "\n";
        EXPECT_TRUE(reading.contains(name)) << name << ", " << count << " times";
    }
    // The log would have shown it: it has what reads of ours, and what others wrote.
    EXPECT_TRUE(ours.contains("METADATA") && ours.contains("OFFSET_FETCH") && ours.contains("DESCRIBE_LOG_DIRS"));
    asked.erase(our_client_id);
    EXPECT_TRUE(std::ranges::any_of(asked, [](const auto& of) { return of.second.contains("PRODUCE"); }));
}

}  // namespace
}  // namespace medic::live
