// Linked into DPDK's l2fwd with --wrap=rte_eth_dev_start: puts packets into a loop of net_ring, which l2fwd itself cannot.
#include <stdlib.h>
#include <string.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

int __real_rte_eth_dev_start(uint16_t port);

int __wrap_rte_eth_dev_start(uint16_t port)
{
    int result = __real_rte_eth_dev_start(port);
    const char *bursts = getenv("VERSUS_FIRST_BURSTS");
    int packets = result == 0 && bursts != NULL ? 32 * atoi(bursts) : 0;
    for (int i = 0; i < packets; i++) {
        struct rte_mbuf *packet = rte_pktmbuf_alloc(rte_mempool_lookup("mbuf_pool"));
        if (packet == NULL)
            return -1;
        memset(rte_pktmbuf_append(packet, 64), 0, 64);
        if (rte_eth_tx_burst(port, 0, &packet, 1) != 1)
            return -1;
    }
    return result;
}
