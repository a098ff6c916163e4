#include "agent/daemon/owners.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

std::string owner(const std::string& role, const Subject& subject, std::map<std::string, std::string> facts = {}) {
    Config config;
    config.clusters.resize(1);
    config.clusters[0].name = "c";
    config.clusters[0].owners = {{"job:*", "team-jobs"},
                                 {"job:fraud-*", "team-fraud"},
                                 {"connector:orders", "team-orders"},
                                 {"owner:kafka platform", "team-kafka"}};
    Diagnosis one;
    one.owner = role;
    one.subject = subject;
    one.facts = std::move(facts);
    std::vector<Diagnosis> all = {one};
    name_owners(config, all);
    return all[0].owner;
}

TEST(Owners, TheMostSpecificPatternNamesTheTeam) {
    EXPECT_EQ(owner("job team", {"c", "job", "fraud-eu"}), "team-fraud");
    EXPECT_EQ(owner("job team", {"c", "job", "other"}), "team-jobs");
    EXPECT_EQ(owner("connector team", {"c", "connector-task", "orders/0"}), "team-orders");
    EXPECT_EQ(owner("job team", {"c", "taskmanager", "tm-1"}, {{"job", "fraud-eu"}}), "team-fraud");
}

TEST(Owners, APlatformsFaultIsNotTheJobTeamsToMend) {
    EXPECT_EQ(owner("flink platform", {"c", "job", "fraud-eu"}), "flink platform");
    EXPECT_EQ(owner("kafka platform", {"c", "broker", "1"}), "team-kafka");
    EXPECT_EQ(owner("dependency:db", {"c", "job", "fraud-eu"}), "dependency:db");
}

TEST(Owners, WithoutAMatchTheRoleStays) {
    EXPECT_EQ(owner("connector team", {"c", "connector", "other"}), "connector team");
    EXPECT_EQ(owner("job team", {"elsewhere", "job", "fraud-eu"}), "job team");
    EXPECT_EQ(owner("", {"c", "job", "fraud-eu"}), "");
}

Config two_clusters() {
    return load_config(R"(schema: 1
data_dir: d
clusters:
  a: {connect: {urls: ["http://w"]}, owners: {"connector:orders": team-orders, "job:fraud-*": team-fraud}}
  b: {connect: {urls: ["http://w"]}, owners: {"connector:bills": team-bills, "owner:kafka platform": team-kafka}}
)",
                       "medic.yaml")
        .value();
}

constexpr const char* in_context =
    "[2026-11-28 09:00:00,000] ERROR [orders|task-0] it failed (org.apache.kafka.connect.runtime.WorkerTask:230)\n"
    "org.apache.kafka.connect.errors.DataException: x\n\tat a.b.C.d(C.java:1)\n";

TEST(Owners, ATextAloneNamesTheTeamOfTheConnectorOrJobThatItSpeaksOf) {
    const Config config = two_clusters();
    EXPECT_EQ(owner_of_text(config, "connector team", in_context), "team-orders");
    EXPECT_EQ(owner_of_text(config, "connector team", "ERROR WorkerSourceTask{id=bills-12} Task threw\n"),
              "team-bills");
    EXPECT_EQ(owner_of_text(config, "job team",
                            "2026-11-28 09:00:00,000 INFO  E - Job fraud-eu (0123456789abcdef0123456789abcdef) "
                            "switched from state RUNNING to FAILED.\n"),
              "team-fraud");
    EXPECT_EQ(owner_of_text(config, "kafka platform", in_context), "team-kafka");
}

TEST(Owners, ATextOfAnotherConnectorOrOfNoneLeavesTheRole) {
    const Config config = two_clusters();
    EXPECT_EQ(owner_of_text(config, "connector team", "ERROR WorkerSinkTask{id=other-0} Task threw\n"),
              "connector team");
    EXPECT_EQ(owner_of_text(config, "connector team", "java.lang.NullPointerException\n\tat a.B.c(B.java:1)\n"),
              "connector team");
    EXPECT_EQ(owner_of_text(config, "dependency", in_context), "dependency");
    EXPECT_EQ(owner_of_text(Config{}, "connector team", in_context), "connector team");
}

TEST(Owners, WhereClustersDisagreeTheRoleStays) {
    Config config = two_clusters();
    config.clusters[1].owners["connector:orders"] = "others";
    EXPECT_EQ(owner_of_text(config, "connector team", in_context), "connector team");
}

TEST(Owners, WhileNoCauseIsClearTheThingsOwnPeopleAreKnown) {
    const Config config = two_clusters();
    const auto people = [&](const Subject& subject) {
        Diagnosis unclear;
        unclear.subject = subject;
        return people_of(config, unclear);
    };
    EXPECT_EQ(people({"a", "connector-task", "orders/0"}), "team-orders");
    EXPECT_EQ(people({"a", "connector", "orders"}), "team-orders");
    EXPECT_EQ(people({"a", "job", "fraud-eu"}), "team-fraud");
    EXPECT_EQ(people({"a", "connector", "bills"}), "");
    EXPECT_EQ(people({"elsewhere", "connector", "orders"}), "");
}

}  // namespace
}  // namespace medic
