#include "agent/base/connector_settings.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

TEST(ConnectorSettings, WhatPeopleChangeMayBeKept) {
    for (const auto& [name, value] :
         std::map<std::string, std::string>{{"connector.class", "io.confluent.connect.jdbc.JdbcSinkConnector"},
                                            {"topics", "orders,orders-retry"},
                                            {"tasks.max", "4"},
                                            {"key.converter", "org.apache.kafka.connect.storage.StringConverter"},
                                            {"connection.url", "jdbc:postgresql://db-7:5432/orders"},
                                            {"db.path", "/tmp/medic-drill-Ab3dEf/with-1/inventory.db"},
                                            {"partition.assignment", "4e2a9c1d-0000-4a4b-9c9d-0123456789ab"},
                                            {"errors.deadletterqueue.topic.name", "orders-dlq"}})
        EXPECT_TRUE(may_be_kept(name, value)) << name;
}

TEST(ConnectorSettings, WhatMayBeASecretIsWithheld) {
    for (const auto& [name, value] :
         std::map<std::string, std::string>{{"connection.password", "plum"},
                                            {"sasl.jaas.config", "x.PlainLoginModule required username=a;"},
                                            {"AWS.ACCESS.KEY.ID", "AKIA"},
                                            {"azblob.account.key", "x"},
                                            {"store-access-key-id", "plum"},
                                            {"basic.auth.user.info", "me:plum"},
                                            {"encryption.key", "plum"},
                                            {"connection.url", "jdbc:postgresql://db-7/orders?user=me&password=plum"},
                                            {"mongo.url", "mongodb://me:plum@db-7/orders"},
                                            {"oracle.url", "jdbc:oracle:thin:scott/plum@db-7"},
                                            {"endpoint", "https://x.blob.core.windows.net/c?sv=2&sig=plum"},
                                            {"http.headers", "Authorization: Basic cGx1bQ=="},
                                            {"github.pat", "ghp_Ab3dEf9hIjKlMn0pQrStUvWx"},
                                            {"pem", "-----BEGIN CERTIFICATE-----"},
                                            {"schema", std::string(3'000, 'x')}})
        EXPECT_FALSE(may_be_kept(name, value)) << name;
}

TEST(ConnectorSettings, AReferenceIsNoSecretUnlessThereIsMoreBesideIt) {
    EXPECT_TRUE(may_be_kept("connection.password", "${file:/etc/db.properties:password}"));
    EXPECT_FALSE(may_be_kept("connection.password", "${file:/etc/db.properties:password}plum"));
    EXPECT_FALSE(may_be_kept("connection.password", "${file:a:b}${file:a:c}"));
    EXPECT_FALSE(may_be_kept("connection.password", "${plum}"));
}

TEST(ConnectorSettings, AHashTellsSettingsApartAndNothingOfASecret) {
    const auto hash = [](const std::map<std::string, std::string>& all) { return hash_of(without_secrets(all)); };
    const std::string one = hash({{"topics", "a"}, {"db.password", "plum"}});
    EXPECT_EQ(one, "66a7fa871aeafea8") << "it is in journals: it may not change";
    EXPECT_EQ(one, hash({{"topics", "a"}, {"db.password", "other"}}));
    EXPECT_NE(one, hash({{"topics", "b"}, {"db.password", "plum"}}));
    EXPECT_NE(one, hash({{"topics", "a"}}));
    EXPECT_NE(hash({{"a", "bc"}}), hash({{"ab", "c"}}));
}

}  // namespace
}  // namespace medic
