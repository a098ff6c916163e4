#include "agent/world/real/secret.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>

#include "agent/world/real/tls_fake_internal.h"

namespace medic {
namespace {

constexpr Duration patience{20'000};

std::string text_of(const SecretSource& source) {
    const auto secret = read_secret(source, patience);
    return secret ? std::string(secret->reveal()) : "ERROR " + secret.error().message;
}

TEST(Secret, comes_from_the_first_line_of_a_file) {
    const FakeFolder folder;
    EXPECT_EQ(text_of({.file = folder.write("pw", "s3cret\nsecond line\n")}), "s3cret");
    EXPECT_EQ(text_of({.file = folder.write("pw", "s3cret\r\n")}), "s3cret");
    EXPECT_EQ(text_of({.file = folder.write("pw", " with spaces ")}), " with spaces ");
}

TEST(Secret, a_place_with_nothing_in_it_is_named_and_nothing_else) {
    const FakeFolder folder;
    const std::string path = folder.write("pw", "\nbelow\n");
    EXPECT_EQ(text_of({.file = path}), "ERROR secret from file " + path + ": the first line is empty");
    EXPECT_NE(text_of({.file = path + "-none"}).find("No such file"), std::string::npos);
    EXPECT_NE(text_of({.file = folder.write("long", std::string(70'000, 'x'))}).find("longer than"), std::string::npos);
    EXPECT_EQ(text_of({.environment = "MEDIC_TEST_UNSET"}),
              "ERROR secret from environment variable MEDIC_TEST_UNSET: it is not set");
}

TEST(Secret, comes_from_the_environment) {
    setenv("MEDIC_TEST_SECRET", "from-env", 1);
    EXPECT_EQ(text_of({.environment = "MEDIC_TEST_SECRET"}), "from-env");
}

TEST(Secret, comes_from_a_command_whose_output_is_never_quoted) {
    EXPECT_EQ(text_of({.command = {"printf", "%s\n", "from-command"}}), "from-command");
    const std::string failed = text_of({.command = {"sh", "-c", "echo hidden; echo hidden >&2; exit 3"}});
    EXPECT_EQ(failed, "ERROR secret from command sh: it ended with exit code 3");
    EXPECT_NE(text_of({.command = {"/no/such/program"}}).find("could not be started"), std::string::npos);
}

TEST(Secret, moves_and_copies_keep_the_text_and_a_moved_one_is_empty) {
    Secret one("abc");
    Secret two(one);
    Secret three(std::move(one));
    EXPECT_EQ(two.reveal(), "abc");
    EXPECT_EQ(three.reveal(), "abc");
    EXPECT_EQ(one.reveal(), "");  // NOLINT(bugprone-use-after-move): that is what is tested.
}

TEST(SecretCache, keeps_what_was_read_a_moment_ago_even_when_refused) {
    const FakeFolder folder;
    const SecretSource source{.file = folder.write("token", "first")};
    Reactor reactor;
    SecretCache cache(reactor);
    const auto get = [&] {
        std::string text;
        cache.get(source, [&](const Result<Secret>& secret) { text = secret ? secret->reveal() : ""; });
        return text;
    };
    EXPECT_EQ(get(), "first");
    (void)folder.write("token", "second");
    cache.refused(source);
    EXPECT_EQ(get(), "first") << "a refused secret is not read again at once, however often it is asked for";
}

TEST(SecretCache, many_who_ask_at_once_run_its_command_once_and_a_failing_one_is_left_alone_for_a_while) {
    for (const char* end : {"sleep 0.2; echo s3cret", "sleep 0.2; exit 1"}) {
        const FakeFolder folder;
        const std::string runs = folder.write("runs", "");
        const SecretSource source{.command = {"sh", "-c", "echo x >> " + runs + "; " + end}};
        Reactor reactor;
        SecretCache cache(reactor);
        int answers = 0, secrets = 0;
        const auto taken = [&](const Result<Secret>& secret) {
            ++answers;
            if (secret) ++secrets;
        };
        reactor.post([&] {
            for (int i = 0; i < 50; ++i)
                cache.get(source, [&](const Result<Secret>& secret) {
                    taken(secret);
                    if (answers < 50) return;
                    for (int more = 0; more < 50; ++more) cache.get(source, taken);
                    reactor.stop();
                });
        });
        reactor.run();
        EXPECT_EQ(answers, 100);
        EXPECT_EQ(secrets, std::string(end).ends_with("s3cret") ? 100 : 0);
        EXPECT_EQ(std::filesystem::file_size(runs), 2U) << "one line for one run";
    }
}

}  // namespace
}  // namespace medic
