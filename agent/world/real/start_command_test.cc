// What the exit code of a job's start command says.
#include "agent/world/real/operations_internal.h"

#include <gtest/gtest.h>

#include "agent/world/real/running_internal.h"

namespace medic {
namespace {

using namespace world_test;

Result<std::string> started_by(const std::string& line) {
    Running running;
    DeploymentDoor door{.url = "", .commands = {{"start", {"sh", "-c", line, "{job}"}}}, .versions = {{"v1", {}}}};
    const ClusterDoors cluster{
        .name = "c", .connect_urls = {}, .flink_urls = {}, .nodes = {}, .deployments = {{"j", door}}};
    const operations::Doors doors{running.reactor, running.fetcher, cluster, 7, "I1/1/1"};
    return running.wait<std::string>([&](auto done) {
        operations::start_deployment(
            doors, {.job = "j", .version = "v1", .restore_from = "", .parallelism = 0, .settings = {}},
            Duration{10'000}, done);
    });
}

TEST(StartCommand, ThatFailsMayHaveStartedTheJobAllTheSame) {
    for (const char* line : {"echo no contact with the job manager >&2; exit 1", "exit 255", "kill -9 $$"}) {
        const auto reply = started_by(line);
        ASSERT_FALSE(reply) << line;
        EXPECT_EQ(reply.error().code, ErrorCode::outcome_unknown) << line;
    }
}

TEST(StartCommand, ThatIsNotThereHasStartedNothing) {
    for (const char* line : {"exec /no/such/program", "exec /"}) {
        const auto reply = started_by(line);
        ASSERT_FALSE(reply) << line;
        EXPECT_EQ(reply.error().code, ErrorCode::unavailable) << line << ": " << reply.error().message;
    }
}

TEST(StartCommand, ThatEndsWellIsDone) { EXPECT_EQ(started_by("echo $0").value_or("?"), "j\n"); }

TEST(StartCommand, SaysWhyWithoutSecrets) {
    const auto reply = started_by("echo password=plum-81 >&2; exit 3");
    ASSERT_FALSE(reply);
    EXPECT_TRUE(reply.error().message.starts_with("sh: exit code 3: password=[hidden]")) << reply.error().message;
}

}  // namespace
}  // namespace medic
