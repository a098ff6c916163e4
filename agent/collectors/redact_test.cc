#include "agent/collectors/redact.h"

#include <gtest/gtest.h>

namespace medic {
namespace {

TEST(Redact, SecretsAreHiddenHoweverTheyAreWritten) {
    for (const std::string text : {"ssl.key.password=hunter2",
                                   "Password : hunter2",
                                   R"({"db_password":"hunter2"})",
                                   "--password hunter2",
                                   "--db.password hunter2 --parallelism 4",
                                   "fs.s3a.secret.key=hunter2",
                                   "fs.s3a.access.key: hunter2",
                                   "X-API-Key: hunter2",
                                   "apikey=hunter2&x=1",
                                   "?token=hunter2&x=1",
                                   "credentials=hunter2",
                                   "Authorization: Basic hunter2",
                                   "sent Bearer hunter2abc",
                                   "sent basic aHVudGVyMg==hunter2",
                                   "sasl.jaas.config=org.apache.X required username=\"u\" password=\"hunter2\";",
                                   "jdbc:postgresql://me:hunter2@db/x",
                                   "http://me:a/hunter2@host/x",
                                   "mongodb://me:hun@hunter2@host/x",
                                   "https://ghp_0123456789hunter2@host/x",
                                   "passphrase='hunter2'"})
        EXPECT_EQ(redact(text).find("hunter2"), std::string::npos) << redact(text);
}

TEST(Redact, WhatExplainsAFailureStays) {
    for (const std::string text :
         {"Unrecognized token 'abc': was expecting (JSON)", "akka.tcp://flink@jobmanager:6123/user/rpc/dispatcher_0",
          "pekko.tcp://flink@10.0.0.7:6122/user", "basic authentication failed for user ana", "the bearer of bad news",
          "http://host:8083/connectors/a@b", "task 3 of 4 at 2024-01-01T00:00:00", "secrets are not set",
          "org.apache.kafka.common.errors.TopicAuthorizationException: Not authorized to access topics: [orders]",
          "io.x.TokenExpiredException: 5 minutes ago", "at com.example.TokenFilter.apply(TokenFilter.java:12)"})
        EXPECT_EQ(redact(text), text);
}

TEST(Redact, OnceMoreChangesNothing) {
    for (const std::string text : {"(password=a)", "{\"token\": \"a\"}", "x://u:p@h/", "Authorization: Bearer a\nb"})
        EXPECT_EQ(redact(redact(text)), redact(text));
}

TEST(Redact, TheRestOfALineIsKept) {
    EXPECT_EQ(redact("user=a password=b host=c"), "user=a password=[hidden] host=c");
    EXPECT_EQ(redact("run --token x --name y"), "run --token [hidden] --name y");
}

}  // namespace
}  // namespace medic
