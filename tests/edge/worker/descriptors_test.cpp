#include "edge/worker/descriptors.hpp"

#include <boost/test/unit_test.hpp>

namespace tidemark::worker
{
BOOST_AUTO_TEST_SUITE(descriptors)

BOOST_AUTO_TEST_CASE(connections_leave_the_process_what_it_needs_itself)
{
    for (const std::uint64_t allowed : {256U, 1024U, 2048U, 65536U, 1048576U})
        for (const std::uint32_t workers : {1U, 2U, 8U})
            BOOST_TEST_CONTEXT(allowed << " descriptors, " << workers << " workers")
            {
                const DescriptorShares shares = share_descriptors(allowed, workers);
                BOOST_TEST(shares.connections + kDescriptorsForRefusals + 16 * workers + 32 <=
                           allowed);
                BOOST_TEST(shares.connections >= allowed / 4);
                BOOST_TEST(shares.upstreams < shares.connections);
            }
}

BOOST_AUTO_TEST_CASE(a_few_connections_are_tried_however_little_there_is)
{
    for (const std::uint64_t allowed : {0U, 16U, 64U, 100U})
        BOOST_TEST(share_descriptors(allowed, 64).connections == 16);
}

BOOST_AUTO_TEST_SUITE_END()
} // namespace tidemark::worker
