// What steps reach, whose it is, and what is proposed to its owner.
#include "remediations/guards/reach.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

Step step(OperationBody operation, Subject subject = {"lab", "job", "fleet"}) {
    Step result;
    result.subject = std::move(subject);
    result.operation = std::move(operation);
    return result;
}

const Step roll_back = step(StartDeployment{.job = "fleet", .version = "v1", .restore_from = "/chk/7"});
const Step cut = step(
    AlterConfigs{.resource = AlterConfigs::Resource::topic, .name = "events", .set = {{"retention.ms", "21600000"}}},
    {"lab", "topic", "events"});
const Step grow = step(GrowStorage{"broker-2", "/data", (3LL << 30) - 1}, {"lab", "log-dir", "2:/data"});

std::vector<std::string> objects(const std::vector<Step>& steps, const std::vector<ManagedBy>& managed) {
    std::vector<std::string> result;
    for (const auto& one : managed_changes(steps, managed)) result.push_back(one.object + " " + one.by);
    return result;
}

TEST(Managed, a_definition_belongs_to_the_first_owner_that_fits) {
    const std::vector<ManagedBy> managed{{"topic:scratch-*", "nobody"}, {"topic:*", "terraform"}, {"*", "ci"}};
    EXPECT_EQ(objects({cut}, managed), (std::vector<std::string>{"topic:events terraform"}));
    EXPECT_EQ(objects({roll_back, grow}, managed), (std::vector<std::string>{"job:fleet ci", "broker:2 ci"}));
    Step scratch = cut;
    std::get<AlterConfigs>(scratch.operation).name = "scratch-1";
    EXPECT_TRUE(objects({scratch}, managed).empty());
    EXPECT_TRUE(objects({cut}, {{"job:*", "ci"}}).empty());
    const Step quota = step(AlterClientQuota{.user = "alice", .client_id = "replay", .set = {}});
    EXPECT_EQ(objects({quota}, managed), (std::vector<std::string>{"user:alice ci", "client:replay ci"}));
    EXPECT_EQ(objects({quota}, {{"client:*", "ci"}}), (std::vector<std::string>{"client:replay ci"}));
    EXPECT_TRUE(objects({step(AbortTransaction{.topic = "orders"})}, {{"topic:*", "ci"}}).empty())
        << "what a topic holds is no part of its definition";
    EXPECT_TRUE(objects({cut}, {}).empty());
}

TEST(Managed, restarts_are_free_unless_the_owner_does_them_too) {
    Step again = roll_back;
    again.same_definition = true;
    const std::vector<Step> restarts{step(KillNode{"tm-1"}), step(StartNode{"tm-3"}), step(CancelJob{"j1"}), again,
                                     step(RestartConnectorTask{"orders", 0})};
    EXPECT_TRUE(objects(restarts, {{"*", "strimzi"}}).empty());
    EXPECT_EQ(objects(restarts, {{"connector:*", "strimzi", true}, {"*", "ci"}}),
              (std::vector<std::string>{"connector:orders strimzi"}));
    EXPECT_EQ(objects(restarts, {{"*", "ci", true}}),
              (std::vector<std::string>{"node:tm-1 ci", "node:tm-3 ci", "job:fleet ci", "job:fleet ci",
                                        "connector:orders ci"}));
}

TEST(Managed, a_job_that_is_ended_and_not_started_again_is_its_owners_to_suspend) {
    const Step end = step(CancelJob{"j1"});
    EXPECT_EQ(objects({end}, {{"*", "flink-operator"}}), (std::vector<std::string>{"job:fleet flink-operator"}));
    EXPECT_EQ(proposal_for(end, "flink-operator"),
              "{kind: FlinkDeployment, metadata: {name: fleet}, spec: {job: {state: suspended}}}");
}

TEST(Managed, a_job_that_is_started_as_it_was_keeps_its_definition) {
    Step again = roll_back;
    again.same_definition = true;
    EXPECT_TRUE(objects({again}, {{"*", "flink-operator"}}).empty());
    EXPECT_EQ(objects({again}, {{"*", "flink-operator", true}}),
              (std::vector<std::string>{"job:fleet flink-operator"}));
}

TEST(Managed, a_topic_whose_replicas_move_counts_once) {
    const Step moves = step(AlterReassignments{.moves = {{"events", 0, {1}}, {"events", 1, {2}}, {"other", 0, {1}}}});
    EXPECT_EQ(objects({moves}, {{"topic:*", "ci"}}), (std::vector<std::string>{"topic:events ci", "topic:other ci"}));
}

TEST(Managed, who_leads_is_only_left_to_an_owner_that_restarts_as_well) {
    const Step election = step(ElectLeaders{.partitions = {{"events", 0}, {"events", 1}}});
    EXPECT_TRUE(objects({election}, {{"topic:*", "strimzi"}}).empty());
    EXPECT_EQ(objects({election}, {{"topic:*", "cruise-control", true}}),
              (std::vector<std::string>{"topic:events cruise-control"}));
}

TEST(Managed, owners_get_the_change_in_their_own_terms) {
    EXPECT_EQ(proposal_for(cut, "strimzi"),
              "{kind: KafkaTopic, metadata: {name: events}, spec: {config: {retention.ms: 21600000}}}");
    EXPECT_EQ(proposal_for(cut, "terraform"),
              "resource \"kafka_topic\" \"events\" { config = { \"retention.ms\" = \"21600000\" } }");
    EXPECT_EQ(proposal_for(grow, "strimzi"),
              "{kind: KafkaNodePool, spec: {storage: {size: 3Gi}}}  # the volume of /data");
    EXPECT_EQ(proposal_for(step(PauseConnector{"a: b"}), "strimzi"),
              "{kind: KafkaConnector, metadata: {name: \"a: b\"}, spec: {state: paused}}");
    const Step change = step(ChangeConnectorConfiguration{
        .connector = "orders", .set = {{"topics", "a"}, {"x", std::nullopt}}, .from = "1", .to = "2"});
    EXPECT_EQ(objects({change}, {{"connector:*", "strimzi"}}), (std::vector<std::string>{"connector:orders strimzi"}));
    EXPECT_EQ(proposal_for(change, "strimzi"),
              "{kind: KafkaConnector, metadata: {name: orders}, spec: {config: {topics: a, x: null}}}");
    EXPECT_EQ(proposal_for(change, "ci"), "change-connector-configuration orders from 1 to 2: topics=a x=(none)");
    EXPECT_EQ(
        proposal_for(roll_back, "flink-operator"),
        "{kind: FlinkDeployment, metadata: {name: fleet}, spec: {job: {initialSavepointPath: \"/chk/7\"}}}  # with "
        "the image or jarURI of version v1, and a new savepointRedeployNonce");
    const Step rescale = step(StartDeployment{.job = "fleet",
                                              .version = "v2",
                                              .restore_from = {},
                                              .parallelism = 4,
                                              .settings = {{"execution.checkpointing.interval", "10 s"}}});
    EXPECT_EQ(proposal_for(rescale, "flink-operator"),
              "{kind: FlinkDeployment, metadata: {name: fleet}, spec: {job: {parallelism: 4}, flinkConfiguration: "
              "{execution.checkpointing.interval: \"10 s\"}}}  # with the image or jarURI of version v2");
}

TEST(Managed, a_job_that_is_rescaled_in_place_is_defined_anew) {
    Step rescale = step(RescaleJob{.job_id = "abc", .from = 2, .to = 4});
    rescale.job = {"c1", "job", "fleet"};
    EXPECT_EQ(objects({rescale}, {{"job:*", "flink-operator"}}),
              (std::vector<std::string>{"job:fleet flink-operator"}));
    EXPECT_EQ(proposal_for(rescale, "flink-operator"),
              "{kind: FlinkDeployment, metadata: {name: fleet}, spec: {job: {parallelism: 4}}}");
}

TEST(Managed, what_has_no_term_of_theirs_is_told_in_ours) {
    EXPECT_EQ(proposal_for(roll_back, "ci"), "start-deployment fleet version v1 from /chk/7");
    EXPECT_EQ(proposal_for(roll_back, "strimzi"), proposal_for(roll_back, "ci"));
    EXPECT_EQ(proposal_for(cut, "our pipeline"), "alter-configs topic events retention.ms=21600000");
}

}  // namespace
}  // namespace medic
