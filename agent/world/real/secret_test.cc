#include "agent/world/real/secret.h"

#include <gtest/gtest.h>

#include <cstdlib>

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

}  // namespace
}  // namespace medic
