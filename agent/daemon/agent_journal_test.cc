// What a running agent does with its journal by itself. Real threads; deadlines only end a broken test.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "agent/base/test_folder_internal.h"
#include "agent/daemon/agent.h"
#include "agent/loop/incident_codec.h"
#include "agent/world/real/clock.h"
#include "agent/world/real/http_client.h"
#include "remediations/journal/journal.h"

namespace medic {
namespace {

constexpr Duration day{24 * 3'600'000};

// Ended so long ago, or open ever since.
IncidentRow incident(const std::string& id, WallTime at, bool closed) {
    Incident one;
    one.id = id;
    one.cluster = "c";
    one.diagnosis.cause = "connect.task-stuck";
    one.diagnosis.subject = {"c", "connector-task", "orders/0"};
    one.opened_at = one.last_reported_at = one.state_since = at;
    one.state = closed ? IncidentState::resolved : IncidentState::escalated;
    one.left_midway = !closed;  // Only a person ends it.
    if (closed) one.resolved_at = at;
    return to_row(one);
}

TEST(AgentJournal, OnlyEndedIncidentsThatAreOlderThanTheRetentionAreForgotten) {
    const TestFolder folder;
    const std::string file = (folder.path / "journal.db").string();
    const WallTime now = read_clock().wall;
    {
        const auto journal = Journal::open({.path = file}).value();
        ASSERT_TRUE(journal->append({incident("I1", now - day * 5, true), incident("I2", now - day * 5, false),
                                     incident("I3", now - day, true), incident("I4", now - day * 4, true),
                                     incident("I5", now - day * 2, true)}));
        ASSERT_TRUE(journal->flush().durable);
    }
    auto config = load_config("schema: 1\ndata_dir: " + folder.path.string() +
                                  "\napi: {listen: '127.0.0.1:0'}\njournal: {retention: 3d}\n"
                                  "clusters: {c: {connect: {urls: ['http://127.0.0.1:1']}}}\n",
                              "medic.yaml");
    ASSERT_TRUE(config) << config.error().message;
    const auto agent = Agent::start({.config = *std::move(config), .policy = {}, .rules_directory = ""});
    ASSERT_TRUE(agent) << agent.error().message;
    const auto reader = Journal::open_read_only(file).value();
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    while ((reader->incident("I1") || reader->incident("I4")) && std::chrono::steady_clock::now() < until)
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    EXPECT_FALSE(reader->incident("I1"));
    EXPECT_FALSE(reader->incident("I4"));
    EXPECT_TRUE(reader->incident("I2"));  // Open.
    EXPECT_TRUE(reader->incident("I3"));  // Young enough.
    EXPECT_TRUE(reader->incident("I5"));
}

constexpr const char* token = "0123456789abcdef-ana";

// What an agent answers there once `part` is in it.
std::string told(const Agent& agent, const std::string& part) {
    HttpClient client;
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(60);
    std::string body;
    while (body.find(part) == std::string::npos && std::chrono::steady_clock::now() < until) {
        HttpCall call;
        call.url = "http://127.0.0.1:" + std::to_string(agent.port()) + "/api/v1/diagnosis";
        const auto reply = client.perform(call);
        if (reply) body = reply->body;
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return body;
}

TEST(AgentJournal, MaintenanceThatWasToldHoldsOverARestart) {
    const TestFolder folder;
    std::ofstream(folder.path / "tokens") << "ana " << token << "\n";
    std::filesystem::permissions(folder.path / "tokens", std::filesystem::perms::owner_read);
    const auto start = [&] {
        auto config =
            load_config("schema: 1\ndata_dir: " + folder.path.string() +
                            "\napi: {listen: '127.0.0.1:0', token_file: " + (folder.path / "tokens").string() +
                            "}\nclusters: {c: {connect: {urls: ['http://127.0.0.1:1']}}}\n",
                        "medic.yaml");
        return Agent::start({.config = config.value(), .policy = {}, .rules_directory = ""}).value();
    };
    {
        const auto agent = start();
        HttpClient client;
        HttpCall call;
        call.method = "POST";
        call.url = "http://127.0.0.1:" + std::to_string(agent->port()) + "/api/v1/changes";
        call.headers = {{"Authorization", std::string("Bearer ") + token}};
        call.body = R"({"subject":"worker/w:1","kind":"maintenance","minutes":30,"text":"new disks"})";
        const auto reply = client.perform(call);
        ASSERT_TRUE(reply) << reply.error().message;
        ASSERT_EQ(reply->status, 200) << reply->body;
        EXPECT_NE(told(*agent, "new disks").find("new disks"), std::string::npos);
    }
    const auto agent = start();
    const std::string body = told(*agent, "new disks");
    EXPECT_NE(body.find("new disks"), std::string::npos) << body;
    EXPECT_NE(body.find("by ana"), std::string::npos) << body;
}

}  // namespace
}  // namespace medic
