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

}  // namespace
}  // namespace medic
