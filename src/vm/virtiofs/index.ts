export { type ShareFiles, ShareServers } from './share-server.ts';
