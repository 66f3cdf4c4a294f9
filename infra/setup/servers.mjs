import { MATRIX_SERVERS } from './matrix-servers.mjs';

/**
 * The servers that are provided: programs (any one of a row is enough), the Debian packages that contain them, the place of
 * a program in its package if it is not usr/bin, and what to do by hand.
 */
export const SERVERS = {
  ...MATRIX_SERVERS,
  redis: {
    programs: [['redis-server', 'valkey-server']],
    packages: ['redis-server'],
    version: { args: ['--version'], least: [7, 0] },
    byHand: [
      'macOS:          brew install redis',
      'Debian, Ubuntu: apt-get install redis-server',
      'Docker:         docker run -p 6379:6379 redis, and STREAMFOLD_REDIS_URL=redis://127.0.0.1:6379 for npm start',
    ],
  },
  prometheus: {
    programs: [['prometheus'], ['promtool']],
    packages: ['prometheus'],
    byHand: ['macOS:          brew install prometheus', 'Debian, Ubuntu: apt-get install prometheus'],
  },
  alertmanager: {
    programs: [['alertmanager', 'prometheus-alertmanager'], ['amtool']],
    packages: ['prometheus-alertmanager'],
    // Debian's build reads its default templates from here, wherever the program is.
    fixedFolder: '/usr/share/prometheus/alertmanager',
    byHand: [
      'macOS:          brew install alertmanager',
      'Debian, Ubuntu: apt-get install prometheus-alertmanager',
    ],
  },
  'victoria-metrics': {
    programs: [['victoria-metrics', 'victoria-metrics-prod']],
    packages: ['victoria-metrics'],
    byHand: [
      'macOS:          brew install victoriametrics',
      'Debian, Ubuntu: apt-get install victoria-metrics',
    ],
  },
  chromium: {
    programs: [['chromium', 'chromium-browser', 'google-chrome']],
    packages: ['chromium', 'chromium-common'],
    // The file in usr/bin is a script that looks for the browser at its place in the system.
    places: { chromium: 'usr/lib/chromium/chromium' },
    byHand: ['macOS:          brew install chromium', 'Debian, Ubuntu: apt-get install chromium'],
  },
};
