#include "agent/base/redact.h"

#include <gtest/gtest.h>

#include "agent/base/redact_internal.h"

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

TEST(Redact, SecretsInTextsInsideOfTextsAreHidden) {
    for (const std::string text :
         {R"({\"password\":\"hunter2\"})", R"({"m":"{\"password\": \"a\\\"hunter2\",\"user\":\"ana\"}"})",
          R"({\\\"password\\\":\\\"a\\\\\\\"hunter2\\\"})", R"({"password":"ab\"hunter2","user":"ana"})",
          R"({"password":"ab\\\"hunter2","user":"ana"})"})
        EXPECT_EQ(redact(text).find("hunter2"), std::string::npos) << redact(text);
    // The quote that closes is found again: what stands behind it stays.
    EXPECT_EQ(redact(R"({"password":"ab\"cd","user":"ana"})"), R"({"password":[hidden],"user":"ana"})");
    EXPECT_EQ(redact(R"({"password":"ab\\","user":"ana"})"), R"({"password":[hidden],"user":"ana"})");
    EXPECT_EQ(redact(R"({\"password\":\"ab\\\"cd\",\"user\":\"ana\"})"), R"({\"password\":[hidden],\"user\":\"ana\"})");
}

TEST(Redact, SecretsOfMapsElementsAndConnectionStringsAreHidden) {
    for (const std::string text : {"jdbc:sqlserver://h;user=sa;pwd=hunter2",
                                   "Driver={SQL};UID=sa;PWD=hunter2;",
                                   "AccountName=a;AccountKey=hunter2==;x=1",
                                   "fs.azure.account.key.a.blob.core=hunter2",
                                   "<password>hunter2</password>",
                                   "<password>a hunter2\nb</password>",
                                   "<db.Password >hunter2</db.Password>",
                                   "<wsse:Password Type=\"PasswordText\">hunter2</wsse:Password>",
                                   "<token><![CDATA[hunter2]]></token>",
                                   "<password=\"hunter2\">x</password>",
                                   "Map(password -> hunter2)",
                                   "Map(a -> b, db.password -> hunter2, c -> d)",
                                   R"(Map("password" -> "hunter2"))",
                                   "HashMap(password->hunter2)",
                                   "password => hunter2",
                                   R"({:password=>"hunter2"})",
                                   "'token' ==> 'hunter2'",
                                   "(token --> hunter2)",
                                   "token == hunter2",
                                   "password := hunter2"})
        EXPECT_EQ(redact(text).find("hunter2"), std::string::npos) << redact(text);
}

TEST(Redact, SignaturesOfAddressesAreHidden) {
    for (const std::string text :
         {"https://a.blob/c?sv=1&sig=hunter2&se=2", "https://a/b?X-Amz-Signature=hunter2",
          "https://a/b?Expires=1&Signature=hunter2", R"(https://a/b?sv=1\u0026sig=hunter2\u0026se=2)"})
        EXPECT_EQ(redact(text).find("hunter2"), std::string::npos) << redact(text);
    EXPECT_EQ(redact("https://a/b?sv=1&sig=x%3D&se=2"), "https://a/b?sv=1&sig=[hidden]&se=2");
}

TEST(Redact, NamesAndArrowsAndTagsOfOthersStay) {
    for (const std::string text : {"key.serializer = org.apache.kafka.common.serialization.StringSerializer",
                                   "password is missing",
                                   "password must not be empty",
                                   "level INFO -> DEBUG",
                                   "logger org.x.Client: WARN -> INFO",
                                   "RUNNING → FAILED",
                                   "Source: tokens -> decode token -> Tokenizer -> Sink: x",
                                   "Source: token -> Map",
                                   "Tokenizer -> Sink: out",
                                   "a -> token -> b",
                                   "usage: login <user> <password> and then",
                                   "login <user> <password>",
                                   "<password>, <user>",
                                   "expected <token> but found <eof>",
                                   "<key.serializer>x</key.serializer>",
                                   "the signature = x of the method",
                                   "its signature: foo(int)",
                                   "design=x",
                                   "partition.assignment.strategy=[range]",
                                   R"({"a\"b":"c\\"})",
                                   R"(C:\token\x)"})
        EXPECT_EQ(redact(text), text);
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
    for (const std::string text :
         {"(password=a)", "{\"token\": \"a\"}", "x://u:p@h/", "Authorization: Bearer a\nb", R"({\"token\":\"a\"})",
          "<token>a b</token>", "Map(token -> a, b -> c)", "x?sig=a&b", "token => a"})
        EXPECT_EQ(redact(redact(text)), redact(text));
}

TEST(Redact, TheRestOfALineIsKept) {
    EXPECT_EQ(redact("user=a password=b host=c"), "user=a password=[hidden] host=c");
    EXPECT_EQ(redact("run --token x --name y"), "run --token [hidden] --name y");
}

TEST(Redact, EveryPasswordOfAListOfUrlsIsHidden) {
    EXPECT_EQ(redact("a://u:p@h b://h/x c://v:q@h,d://w:r@h"), "a://u:[hidden]@h b://h/x c://v:[hidden]@h");
    EXPECT_EQ(redact("jdbc:x://h:80/?u=http://me:p@h"), "jdbc:x://h:80/?u=http://me:[hidden]@h");
}

TEST(Redact, AKeyOfManySecretWordsIsOneKey) {
    EXPECT_EQ(redact("tokentoken.password=a token b"), "tokentoken.password=[hidden] token b");
    EXPECT_EQ(redact("tokentoken b"), "tokentoken b");
    EXPECT_EQ(redact("--token-token a"), "--token-token [hidden]");
}

TEST(Redact, ACutTextEndsInNoHalfSecret) {
    for (const std::string text :
         {"see x://me:hunter2-hunter2@host/path", "see x://hunter2-hunter2-hunter2@host/path",
          "see x://me:h@nter2-hunter2@host/path", "sent Bearer hunter2abc, and more", "sent basic hunter2==, and more",
          "password=hunter2 and more", "see <password>hunter2-hunter2</password>", "Map(password -> hunter2, a -> b)",
          R"({\"password\":\"hunter2\"})", "see https://h/p?sig=hunter2&x"})
        for (std::size_t bytes = 0; bytes <= text.size(); ++bytes)
            EXPECT_FALSE(redact(text, bytes).contains("nter")) << bytes << ": " << redact(text, bytes);
    EXPECT_EQ(redact("see x://h/a/path and more", 10), "see x://");
    EXPECT_EQ(redact("see x://h/a/path and more", 18), "see x://h/a/path a");
}

// Whoever writes a log or an exception chooses its text, and one thread reads them all.
TEST(Redact, NoTextTakesMoreThanItsLength) {
    const auto steps = [](const std::string& part, const std::string& end, std::size_t bytes) {
        std::string text;
        while (text.size() < bytes) text += part;
        std::size_t count = 0;
        (void)redact_internal::redact(text + end, 2 * bytes, count);
        return count;
    };
    constexpr std::size_t bytes = 16 * 1024, many_for_each = 8;
    for (const std::string part :
         {"token",    "token-",     "token ",    "token: ", "token='",        "://",           "://a@",
          "://a:b@ ", "://a:1/",    "a://a/",    "bearer ", "basic 1234567 ", "authorization", "--token ",
          " ",        "@",          "a",         "<token>", "<token ",        "<token a>",     "<a:token>",
          "token:",   "(token -> ", "token-> ",  "token\\", "token=\"\\",     "token=\\\"",    "\\",
          "\"",       "&sig=x",     "<token><!", "</token>"})
        for (const std::string end : {"", "@h", "=x", "'", "Exception", "                ", "</", "<", ">", "\\\""}) {
            EXPECT_LT(steps(part, end, bytes), many_for_each * bytes) << part << end;
            EXPECT_LT(steps(part, end, 4 * bytes), 4 * many_for_each * bytes) << part << end;
        }
    // The longest run of secret words with the longest gap behind it.
    EXPECT_LT(steps("token", std::string(bytes, ' '), bytes), many_for_each * bytes);
}

}  // namespace
}  // namespace medic
