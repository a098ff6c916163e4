#include <gtest/gtest.h>

#include "classifiers/analyzers/scene_internal.h"

namespace medic::analyzers {
namespace {

const Subject job = Scene::lab("job", "fleet");

std::string null_at(const std::string& frame) {
    return "java.lang.NullPointerException: server of topic events partition 1 offset 42\n\tat " + frame +
           "(libfleet.so+0x1)\n\tat medic::engine::flow::Task::run()(medic-engine+0x2)\n";
}
const std::string lost_peer =
    "org.apache.flink.runtime.io.network.netty.exception.RemoteTransportException: Connection unexpectedly closed by "
    "remote "
    "task manager 'tm-1'. This might indicate that the remote task manager was lost.\n";

TEST(DeploymentRegression, UserFrameThatBeganToFailAfterTheDeployment) {
    Scene scene;
    scene.event(0, job, "deployment", "", {{"job_id", "j1"}, {"version", "v1"}})
        .event(100, job, "deployment", "", {{"job_id", "j2"}, {"before", "j1"}, {"version", "v2"}})
        .event(110, job, "exception", null_at("fleet::Enrich::map()"))
        .event(115, job, "exception", null_at("fleet::Enrich::map()"));
    const auto found = scene.findings("deployment-regression", 120);
    ASSERT_EQ(found.size(), 1U);
    EXPECT_EQ(found[0].weight, 1);
    EXPECT_EQ(found[0].fields.at("version"), "v2");
    EXPECT_EQ(found[0].fields.at("last_good_version"), "v1");
}

TEST(DeploymentRegression, FailureThatWasThereBeforeIsNoRegression) {
    Scene scene;
    scene.event(0, job, "deployment", "", {{"job_id", "j1"}, {"version", "v1"}})
        .event(50, job, "exception", null_at("fleet::Enrich::map()"))
        .event(100, job, "deployment", "", {{"job_id", "j2"}, {"before", "j1"}, {"version", "v2"}})
        .event(110, job, "exception", null_at("fleet::Enrich::map()"));
    EXPECT_TRUE(scene.findings("deployment-regression", 120).empty());
}

TEST(DeploymentRegression, LostTaskManagerAfterADeploymentIsNoRegression) {
    Scene scene;
    scene.event(100, job, "deployment", "", {{"job_id", "j2"}, {"before", "j1"}})
        .event(110, job, "exception", lost_peer);
    EXPECT_TRUE(scene.findings("deployment-regression", 120).empty());
}

TEST(DeploymentRegression, NothingWithoutAnEarlierVersion) {
    Scene scene;
    scene.event(100, job, "deployment", "", {{"job_id", "j1"}, {"before", ""}})
        .event(110, job, "exception", null_at("fleet::Enrich::map()"));
    EXPECT_TRUE(scene.findings("deployment-regression", 120).empty());
}

TEST(DeploymentRegression, SameVersionStartedAgainIsNoNewCode) {
    Scene scene;
    scene.event(0, job, "deployment", "", {{"job_id", "j1"}, {"version", "v1"}})
        .event(100, job, "deployment", "",
               {{"job_id", "j2"}, {"before", "j1"}, {"version", "v1"}, {"version_before", "v1"}})
        .event(110, job, "exception", null_at("fleet::Enrich::map()"));
    EXPECT_TRUE(scene.findings("deployment-regression", 120).empty());
}

}  // namespace
}  // namespace medic::analyzers
