#include "purge/state.hpp"

#include <boost/test/unit_test.hpp>

#include <atomic>
#include <string>
#include <thread>
#include <vector>

BOOST_AUTO_TEST_SUITE(state_threads)

using namespace tidemark;
using namespace tidemark::purge;
using namespace std::chrono_literals;

namespace
{
constexpr MonoTime kNow{1000s};
constexpr std::uint64_t kPurges = 1500;

// Runs `turn(participant's turn)` on three threads, each in its own turns, until `write` has come
// to its end.
template <class Turn, class Write>
void with_readers(sync::EpochDomain& epochs, Turn&& turn, Write&& write)
{
    std::atomic<bool> stop{false};
    std::atomic<int> running{0};
    std::vector<std::thread> readers;
    for (int r = 0; r < 3; ++r)
        readers.emplace_back([&] {
            const auto self = epochs.join();
            bool first = true;
            do {
                self->online();
                turn();
                self->offline();
                epochs.reclaim();
                if (first) running.fetch_add(1);
                first = false;
            } while (!stop.load(std::memory_order_relaxed));
        });
    while (running.load() < 3)
        std::this_thread::yield();
    write();
    stop.store(true);
    for (std::thread& reader : readers)
        reader.join();
}
} // namespace

BOOST_AUTO_TEST_CASE(no_reader_sees_half_of_a_barrier)
{
    sync::EpochDomain epochs;
    InvalidationState state(epochs);
    std::atomic<std::uint64_t> halves{0};
    std::atomic<std::uint64_t> went_back{0};
    const std::uint64_t tag[] = {tag_hash("t")};
    with_readers(
        epochs,
        [&] {
            const Fence fence = state.fence();
            const std::uint64_t generation = state.generation();
            for (int i = 0; i < 8; ++i) {
                const Verdict by_url = state.verdict({"http://h/a", {}}, fence, kNow, generation);
                const Verdict by_tag = state.verdict({"http://h/b", tag}, fence, kNow, generation);
                const Verdict by_prefix =
                    state.verdict({"http://h/c/d", {}}, fence, kNow, generation);
                if (by_url != by_tag || by_url != by_prefix) halves.fetch_add(1);
            }
            // Without a generation: what one verdict has shown, a later one shows too.
            const Verdict first = state.verdict({"http://h/a", {}}, fence, kNow);
            const Verdict second = state.verdict({"http://h/b", tag}, fence, kNow);
            if (second < first) went_back.fetch_add(1);
        },
        [&] {
            for (std::uint64_t i = 0; i < kPurges; ++i) {
                Invalidation group[] = {{0, Scope::tag, Mode::hard, 0s, "t"},
                                        {0, Scope::url, Mode::hard, 0s, "http://h/a"},
                                        {0, Scope::prefix, Mode::hard, 0s, "http://h/c"}};
                state.apply_next(group, kNow);
                Invalidation noise[] = {
                    {0, Scope::url, Mode::hard, 0s, "http://n/" + std::to_string(i % 300)}};
                state.apply_next(noise, kNow);
            }
        });
    BOOST_TEST(halves.load() == 0U);
    BOOST_TEST(went_back.load() == 0U);
    epochs.reclaim();
    BOOST_TEST(epochs.retired() == 0U);
}

BOOST_AUTO_TEST_CASE(
    what_was_purged_is_never_valid_again_through_absorption_floors_and_a_full_table)
{
    sync::EpochDomain epochs;
    InvalidationState state(epochs, {.entries = 64});
    std::atomic<std::uint64_t> published{0}; // the page is purged up to here
    std::atomic<std::uint64_t> resurrected{0};
    std::atomic<std::uint64_t> lost_locals{0};
    std::atomic<std::uint64_t> local_published{0};
    with_readers(
        epochs,
        [&] {
            for (int i = 0; i < 8; ++i) {
                const std::uint64_t version = published.load(std::memory_order_acquire);
                const std::uint64_t local = local_published.load(std::memory_order_acquire);
                if (version != 0 &&
                    state.verdict({"http://h/a", {}}, {version - 1, ~0ULL}, kNow) == Verdict::valid)
                    resurrected.fetch_add(1);
                if (local != 0 &&
                    state.verdict({"http://h/l", {}}, {~0ULL, local - 1}, kNow) == Verdict::valid)
                    lost_locals.fetch_add(1);
            }
        },
        [&] {
            for (std::uint64_t i = 1; i <= kPurges; ++i) {
                Invalidation page[] = {{0, i % 3 == 0 ? Scope::prefix : Scope::url,
                                        i % 5 == 0 ? Mode::soft : Mode::hard, 0s, "http://h/a"}};
                published.store(state.apply_next(page, kNow), std::memory_order_release);
                state.apply_local("http://h/l");
                local_published.store(state.fence().local, std::memory_order_release);
                state.apply_local("http://n/" + std::to_string(i));
                if (i % 50 == 0) {
                    Invalidation all[] = {{0, Scope::all, Mode::hard, 0s, ""}};
                    state.apply_next(all, kNow);
                }
                if (i % 70 == 0) state.raise_floor({state.fence().version, 0});
            }
        });
    BOOST_TEST(resurrected.load() == 0U);
    BOOST_TEST(lost_locals.load() == 0U);
    BOOST_TEST(state.forced_floor_raises() > 0U);
}

BOOST_AUTO_TEST_CASE(workers_apply_their_local_invalidations_at_the_same_time)
{
    sync::EpochDomain epochs;
    InvalidationState state(epochs);
    std::vector<std::thread> workers;
    for (int w = 0; w < 3; ++w)
        workers.emplace_back([&, w] {
            for (int i = 0; i < 300; ++i)
                state.apply_local("http://" + std::to_string(w) + "/" + std::to_string(i));
        });
    for (std::thread& worker : workers)
        worker.join();
    BOOST_TEST(state.fence().local == 900U);
    BOOST_TEST(state.entries() == 900U);
    for (int w = 0; w < 3; ++w)
        for (int i = 0; i < 300; ++i) {
            const std::string uri = "http://" + std::to_string(w) + "/" + std::to_string(i);
            BOOST_TEST_REQUIRE((state.verdict({uri, {}}, {0, 0}, kNow) == Verdict::removed));
        }
}

BOOST_AUTO_TEST_CASE(no_reader_sees_half_of_an_undo)
{
    sync::EpochDomain epochs;
    InvalidationState state(epochs, {.patterns = 20});
    std::atomic<std::uint64_t> halves{0};
    const std::uint64_t tag[] = {tag_hash("t")};
    with_readers(
        epochs,
        [&] {
            const std::uint64_t generation = state.generation();
            for (int i = 0; i < 4; ++i) {
                const auto of = [&](const Subject& subject) {
                    return state.verdict(subject, {0, 0}, kNow, generation);
                };
                const Verdict by_url = of({"http://h/a", {}, 1});
                if (of({"http://h/b", tag, 1}) != by_url) halves.fetch_add(1);
                if (of({"http://h/c/d.css", {}, 1}) != by_url) halves.fetch_add(1);
                if (of({"http://h/e", {}, site_hash("shop")}) != by_url) halves.fetch_add(1);
            }
        },
        [&] {
            for (std::uint64_t i = 0; i < kPurges; ++i) {
                Invalidation group[] = {{0, Scope::tag, Mode::hard, 0s, "t"},
                                        {0, Scope::url, Mode::hard, 0s, "http://h/a"},
                                        {0, Scope::pattern, Mode::hard, 0s, "[.]css$"},
                                        {0, Scope::all, Mode::hard, 0s, "", "shop"}};
                const std::uint64_t version = state.apply_next(group, kNow);
                Invalidation noise[] = {
                    {0, Scope::pattern, Mode::hard, 0s, "http://n/" + std::to_string(i % 19)}};
                state.apply_next(noise, kNow);
                state.undo(version, kNow);
                if (i % 16 == 0) state.age(kNow);
            }
        });
    BOOST_TEST(halves.load() == 0U);
    BOOST_TEST((state.verdict({"http://h/a", tag, 1}, {0, 0}, kNow) == Verdict::valid));
    epochs.reclaim();
    BOOST_TEST(epochs.retired() == 0U);
}

BOOST_AUTO_TEST_CASE(what_was_purged_is_never_valid_again_through_caps_undo_ageing_and_new_journals)
{
    sync::EpochDomain epochs;
    InvalidationState state(
        epochs,
        {.entries = 200, .patterns = 8, .undo_window = 20s, .undo_entries = 100, .caps = 4});
    // A fence that was taken before the page was purged last: its version and local sequence.
    constexpr unsigned kLocalBits = 40;
    std::atomic<std::uint64_t> stale_fence{0};
    std::atomic<std::uint64_t> resurrected{0};
    std::atomic<std::uint64_t> never_sent{0};
    with_readers(
        epochs,
        [&] {
            for (int i = 0; i < 8; ++i) {
                const std::uint64_t packed = stale_fence.load(std::memory_order_acquire);
                if (packed == 0) continue;
                const Fence fence{packed >> kLocalBits,
                                  packed & ((std::uint64_t{1} << kLocalBits) - 1)};
                if (state.verdict({"http://h/a.css", {}}, fence, kNow) == Verdict::valid)
                    resurrected.fetch_add(1);
                if (state.tick() <= fence.local) never_sent.fetch_add(1);
            }
        },
        [&] {
            MonoTime now = kNow;
            for (std::uint64_t i = 1; i <= kPurges; ++i) {
                now += 1s;
                const Fence before = state.fence();
                state.tick();
                Invalidation page[] = {
                    {0, Scope::all, Mode::hard, 0s, ""},
                    {0, Scope::url, Mode::hard, 0s, "http://h/a.css"},
                    {0, Scope::pattern, i % 2 == 0 ? Mode::hard : Mode::soft, 0s,
                     "/a[.]css$|" + std::to_string(i % 20)},
                };
                state.apply_next(std::span(page).subspan(i % 3, 1), now);
                stale_fence.store((before.version << kLocalBits) | before.local,
                                  std::memory_order_release);
                Invalidation noise[] = {
                    {0, Scope::url, Mode::hard, 0s, "http://n/" + std::to_string(i)},
                    {0, Scope::all, Mode::hard, 0s, "", "other"}};
                const std::uint64_t version = state.apply_next(noise, now);
                if (i % 2 == 0) state.undo(version, now);
                if (i % 7 == 0) state.cap(state.fence().version / 2, now);
                if (i % 11 == 0) state.age(now);
                if (i % 60 == 0) state.reset(now);
            }
        });
    BOOST_TEST(resurrected.load() == 0U);
    BOOST_TEST(never_sent.load() == 0U);
    BOOST_TEST(state.undo_entries() <= 100U);
    epochs.reclaim();
    BOOST_TEST(epochs.retired() == 0U);
}

BOOST_AUTO_TEST_CASE(a_fence_taken_in_a_new_journal_has_no_version_of_the_old_one)
{
    sync::EpochDomain epochs;
    InvalidationState state(epochs);
    std::atomic<std::uint64_t> torn{0};
    with_readers(
        epochs,
        [&] {
            // The n-th journal begins with local sequence n and knows version 1000 + n alone.
            for (int i = 0; i < 64; ++i) {
                const Fence fence = state.fence();
                if (fence.version != 0 && fence.version < 1000 + fence.local) torn.fetch_add(1);
            }
        },
        [&] {
            for (std::uint64_t n = 1; n <= 20 * kPurges; ++n) {
                state.reset(kNow);
                state.hear(1000 + n);
            }
        });
    BOOST_TEST(torn.load() == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
